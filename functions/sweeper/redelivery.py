"""What a sweep does for deliveries of GitHub that failed: asks for them again, as GitHub does not by itself.

GitHub is asked first and the asking noted afterwards: what is asked for twice arrives twice, with the same id, and
nothing comes of the second. Whatever goes wrong here is logged and left to the next sweep, which has other work.
"""

import logging

from functions.cluster.errors import ClusterError, Conflict
from functions.github.api import errors
from functions.github.api.client import PER_PAGE, Api, Github
from functions.github.webhook.redelivery import RedeliveryState, load, parse
from functions.manifests import redelivery_state as manifest
from functions.serving.dependencies import Dependencies
from functions.sweeper.scan import TimeBudget

log = logging.getLogger("orchestrator")

MOST_PAGES = 5
"""Pages that one sweep reads; the next one goes on from there."""
MOST_ASKED = 30
"""Deliveries that one sweep asks for; each is a call of some tenths of a second."""

LIST = "app/hook/deliveries"


def ask(services: Dependencies, github: Github, deadline: TimeBudget) -> int:
    """How many deliveries were asked for. Raises nothing but bugs."""
    try:
        return _Redelivery(services, github.app(), deadline).ask()
    except errors.Busy as error:
        log.info("failed deliveries are asked for by the next sweep: %s", error)
    except errors.GithubError as error:
        log.error("failed deliveries cannot be asked for (settings github.app_id, github.private_key): %s", error)
    except ClusterError as error:
        log.warning("failed deliveries are asked for by the next sweep: %s: %s", type(error).__name__, error)
    return 0


class _Redelivery:
    """What is kept, and what was found since."""

    def __init__(self, services: Dependencies, api: Api, deadline: TimeBudget) -> None:
        self._services, self._api, self._deadline = services, api, deadline
        self._raw = services.config_maps.find(manifest.NAME)
        self._journal = self._kept = load(manifest.text(self._raw or {}))

    def ask(self) -> int:
        """How many were asked for. What was found is noted whatever happens on the way."""
        try:
            self._forget()
            self._read()
            return self._ask_for_due()
        finally:
            self._note()

    def _forget(self) -> None:
        old = self._journal.expired(self._services.clock())
        for guid in old:
            log.error("given up: a delivery that failed for three days", extra={"event": guid})
        self._journal = self._journal.without(*old)

    def _read(self) -> None:
        for _ in range(0 if self._journal.is_full else MOST_PAGES):
            self._journal = self._after_a_page()
            if not self._journal.cursor or self._journal.is_full or self._deadline.over:
                return

    def _after_a_page(self) -> RedeliveryState:
        try:
            page = self._api.page(LIST, **self._query())
        except errors.Rejected:
            if not self._journal.cursor:
                raise
            log.warning("GitHub does not know how far its list of deliveries was read; it is read from the start")
            return RedeliveryState(until=self._journal.until, failed=self._journal.failed)
        return self._journal.with_page(parse(page.items), page.next_query.get("cursor", ""), self._services.clock())

    def _query(self) -> dict[str, str]:
        cursor = self._journal.cursor
        return {"per_page": str(PER_PAGE), **({"cursor": cursor} if cursor else {})}

    def _ask_for_due(self) -> int:
        asked = 0
        for guid in self._journal.due(self._services.clock())[:MOST_ASKED]:
            if self._deadline.over:
                break
            asked += self._ask_for(guid)
        return asked

    def _ask_for(self, guid: str) -> int:
        failed = self._journal.failed[guid]
        try:
            self._api.post(f"{LIST}/{failed.id}/attempts")
        except (errors.NotFound, errors.Rejected) as error:
            log.error("given up: a delivery that failed: %s", error, extra={"event": guid})
            self._journal = self._journal.without(guid)
            return 0
        log.info("asked for a delivery that failed", extra={"event": guid})
        self._journal = self._journal.with_request(guid, self._services.clock())
        return 1

    def _note(self) -> None:
        if self._raw and not self._journal.should_save(self._kept):
            return
        store, text = self._services.config_maps, self._journal.model_dump_json()
        try:
            store.save(self._raw, manifest.new(text, store.namespace))
        except Conflict as error:
            log.info("another sweep asks for failed deliveries: %s", error)
