"""Lists and watches one kind, and publishes each change; what was missed while nobody watched is found by listing.

Events are hints, sent at least once: after a restart everything there is is sent again, and two bridges only double
the hints. A change counts as seen once the outbox has it, which lets go of it only when the queue has stored it, and
no list and no watch begins before the outbox is empty. So a slow queue slows the watch and loses nothing.
"""

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.bridge.outbox import Outbox
from functions.bridge.timing import Timing
from functions.bridge.watch_health import WatchHealth
from functions.cluster.client import Cluster, Object
from functions.cluster.errors import ClusterError, Gone, NotFound, Unavailable, from_status
from functions.cluster.kinds import Kind
from functions.events.event import RESOURCE, Event

log = logging.getLogger("orchestrator")

_VERBS = {"ADDED": "add", "MODIFIED": "update", "DELETED": "delete"}


@dataclass
class Watch:
    """The watch of one kind, in one namespace or (None) in all; `labels` selects among the objects."""

    cluster: Cluster
    kind: Kind
    namespace: str | None
    labels: str
    outbox: Outbox
    pulse: WatchHealth
    timing: Timing
    stopping: threading.Event
    _resume: str = ""
    """The version to watch from; empty: list first."""
    _told: dict[str, tuple[str, Object]] = field(default_factory=dict)
    """By uid, what the queue was told of last: the version, and enough to tell of a deletion that nobody saw."""

    def run(self) -> None:
        """Watches until told to stop. What can go wrong is told to the pulse and tried again."""
        pause = self.timing.first_pause
        while not self.stopping.is_set():
            before = self._resume
            asked = self._round()
            self.outbox.settle()
            moved_on = asked is None or self._resume != before
            pause = self.timing.first_pause if moved_on else self.timing.longer(pause)
            self.stopping.wait(max(pause, min(asked or 0.0, self.timing.longest_pause)))

    def _round(self) -> float | None:
        """Lists if need be and watches until the watch ends: None in time, else the seconds asked to wait, or 0."""
        try:
            if not self._resume:
                self._list()
            self._watch()
            return None
        except Gone:
            log.info("the history of %s is gone; listing again", self.kind.plural)
            self._resume = ""
        except ClusterError as error:
            self.pulse.trouble("cluster", error)
            if isinstance(error, NotFound):  # the kind is not defined, or was taken away
                self._resume = ""
            if isinstance(error, Unavailable):
                return error.retry_after or 0.0
        return 0.0

    def _list(self) -> None:
        """Publishes what is there and was not told of in this version, and what was told of and is not there."""
        token, version, there = "", "", set()
        while True:
            page = self.cluster.list_page(self.kind, self.namespace, self.labels, token)
            self.pulse.well("cluster")
            version = version or page["metadata"]["resourceVersion"]
            for item in page["items"]:
                there.add(item["metadata"]["uid"])
                self._there("update" if item["metadata"]["uid"] in self._told else "add", item)
            token = page["metadata"].get("continue", "")
            if not token:
                break
        for uid in self._told.keys() - there:
            self._gone(uid, version, self._told[uid][1])
        if self.outbox.settle():
            self.pulse.listed()
        self._resume = version

    def _watch(self) -> None:
        """Publishes changes as they come, until the server ends the watch in time, or it is time to stop."""
        changes = self.cluster.watch(
            self.kind,
            self.namespace,
            self._resume,
            labels=self.labels,
            seconds=self.timing.watch,
            silence=self.timing.silence,
        )
        self.pulse.well("cluster")
        for verb, item in changes:
            if verb == "ERROR":
                raise _error(item)
            self.pulse.well("cluster")
            metadata = item["metadata"]
            if verb == "DELETED":
                self._gone(metadata["uid"], metadata["resourceVersion"], item)
            elif verb in _VERBS:
                self._there(_VERBS[verb], item)
            if self.stopping.is_set():
                return
            self._resume = metadata["resourceVersion"]
        self.pulse.well("cluster")

    def _there(self, verb: str, item: Object) -> None:
        metadata = item["metadata"]
        uid, version = metadata["uid"], metadata["resourceVersion"]
        if self._told.get(uid, ("",))[0] != version:
            self.outbox.put(self._event(verb, f"{uid}/{version}", item))
            self._told[uid] = (version, _identity(item))

    def _gone(self, uid: str, version: str, item: Object) -> None:
        self.outbox.put(self._event("delete", f"{uid}/{version}", item))
        self._told.pop(uid, None)

    def _event(self, verb: str, identifier: str, item: Object) -> Event:
        metadata = item["metadata"]
        return Event(
            id=identifier,
            source="orchestrator/watch",
            type=RESOURCE + verb,
            subject=self.kind.path(metadata["namespace"], metadata["name"]),
            data=item,
        )


def _identity(item: Object) -> Object:
    """Enough to say what is gone and whose it was, and small: it is kept for every object there is."""
    kept = ("name", "namespace", "uid", "resourceVersion", "ownerReferences")
    metadata = {key: value for key, value in item["metadata"].items() if key in kept}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata}


def _error(status: Mapping[str, Any]) -> ClusterError:
    return from_status(status.get("code", 500), json.dumps(status).encode(), None)
