"""Requests failed webhook deliveries again, because GitHub does not send them again by itself.

GitHub is asked before the request is recorded. A delivery that is requested twice arrives twice with the same id, and
the second one changes nothing. Errors are logged and left to the next sweep, because this one has other work.
"""

import logging

from functions.cluster.errors import ClusterError, Conflict
from functions.github.api import errors
from functions.github.api.client import PER_PAGE, Api, Github
from functions.github.webhook.redelivery import RedeliveryState, load, parse
from functions.manifests.config_map import REDELIVERY_STATE
from functions.serving.dependencies import Dependencies
from functions.sweeper.scan import TimeBudget

log = logging.getLogger("orchestrator")

MAX_PAGES = 5
"""Pages of the list of deliveries that one sweep reads; the next one continues there."""
MAX_REQUESTS = 30
"""Deliveries that one sweep requests; each is a call of some tenths of a second."""

LIST = "app/hook/deliveries"


def request_failed(deps: Dependencies, github: Github, budget: TimeBudget) -> int:
    """Request the failed deliveries that are due; return how many. Errors of GitHub and the cluster are logged."""
    try:
        return _Redelivery(deps, github.app(), budget).run()
    except errors.Busy as error:
        log.info("the next sweep requests failed deliveries: %s", error)
    except errors.GithubError as error:
        log.error("failed deliveries cannot be requested (settings github.app_id, github.private_key): %s", error)
    except ClusterError as error:
        log.warning("the next sweep requests failed deliveries: %s: %s", type(error).__name__, error)
    return 0


class _Redelivery:
    """The stored state, and what was found since."""

    def __init__(self, deps: Dependencies, api: Api, budget: TimeBudget) -> None:
        self._deps, self._api, self._budget = deps, api, budget
        self._raw = deps.config_maps.find(REDELIVERY_STATE.name)
        self._state = self._stored = load(REDELIVERY_STATE.text(self._raw or {}))

    def run(self) -> int:
        """Return how many deliveries were requested. What was found is saved even if an error ends this."""
        try:
            self._give_up_old()
            self._read_list()
            return self._request_due()
        finally:
            self._save()

    def _give_up_old(self) -> None:
        old = self._state.expired(self._deps.clock())
        for guid in old:
            log.error("given up: a delivery that failed for three days", extra={"event": guid})
        self._state = self._state.without(*old)

    def _read_list(self) -> None:
        for _ in range(0 if self._state.is_full else MAX_PAGES):
            self._state = self._read_page()
            if not self._state.cursor or self._state.is_full or self._budget.over:
                return

    def _read_page(self) -> RedeliveryState:
        try:
            page = self._api.page(LIST, **self._query())
        except errors.Rejected:
            if not self._state.cursor:
                raise
            log.warning("GitHub rejected the cursor of its list of deliveries; the list is read from the start")
            return RedeliveryState(until=self._state.until, failed=self._state.failed)
        return self._state.with_page(parse(page.items), page.next_query.get("cursor", ""), self._deps.clock())

    def _query(self) -> dict[str, str]:
        cursor = self._state.cursor
        return {"per_page": str(PER_PAGE), **({"cursor": cursor} if cursor else {})}

    def _request_due(self) -> int:
        requested = 0
        for guid in self._state.due(self._deps.clock())[:MAX_REQUESTS]:
            if self._budget.over:
                break
            requested += self._request(guid)
        return requested

    def _request(self, guid: str) -> int:
        failed = self._state.failed[guid]
        try:
            self._api.post(f"{LIST}/{failed.id}/attempts")
        except (errors.NotFound, errors.Rejected) as error:
            log.error("given up: a delivery that failed: %s", error, extra={"event": guid})
            self._state = self._state.without(guid)
            return 0
        log.info("requested a failed delivery again", extra={"event": guid})
        self._state = self._state.with_request(guid, self._deps.clock())
        return 1

    def _save(self) -> None:
        if self._raw and not self._state.should_save(self._stored):
            return
        store, text = self._deps.config_maps, self._state.model_dump_json()
        try:
            store.save(self._raw, REDELIVERY_STATE.new(text, store.namespace))
        except Conflict as error:
            log.info("another sweep requests failed deliveries: %s", error)
