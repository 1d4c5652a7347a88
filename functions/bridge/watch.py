"""Lists and watches one kind, and publishes each change; what was missed while nobody watched is found by listing.

Events are hints, sent at least once: after a restart everything there is is sent again, and two bridges only double
the hints. A change counts as seen when the queue has stored it: a slow queue slows the watch and loses nothing.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from functions.cluster.client import Cluster, Object
from functions.cluster.errors import ClusterError, Gone, from_status
from functions.cluster.kinds import Kind
from functions.events.event import RESOURCE, Event
from functions.events.publisher import Publisher, PublishError

log = logging.getLogger("orchestrator")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
"""Seconds between attempts to reach the API server or the queue, doubled from the first to the longest."""

_VERBS = {"ADDED": "add", "MODIFIED": "update", "DELETED": "delete"}


@dataclass
class Watch:
    """The watch of one kind. `pause` waits that many seconds and says whether to stop."""

    cluster: Cluster
    publisher: Publisher
    kind: Kind
    topic: str
    namespace: str | None
    pause: Callable[[float], bool]
    labels: str = ""
    _versions: dict[str, tuple[str, Object]] = field(default_factory=dict)

    def run(self) -> None:
        """Watches until told to stop. Never raises: what can go wrong is logged and tried again."""
        resume, wait = "", FIRST_PAUSE
        while True:
            try:
                if not resume:
                    resume = self._list()
                for version in self._watch(resume):
                    resume, wait = version, FIRST_PAUSE
            except Gone:
                log.info("the history of %s is gone; listing again", self.kind.plural)
                resume = ""
            except (ClusterError, PublishError) as error:
                log.warning("watch of %s: %s", self.kind.plural, error)
                wait = min(wait * 2, LONGEST_PAUSE)
            if self.pause(wait):
                return

    def _list(self) -> str:
        """Publishes what changed since it was last seen, deletions included; returns where a watch goes on."""
        token, version, there = "", "", set()
        while True:
            page = self.cluster.list_page(self.kind, self.namespace, self.labels, token)
            version = version or page["metadata"]["resourceVersion"]
            for item in page["items"]:
                there.add(item["metadata"]["uid"])
                self._seen("add", item)
            token = page["metadata"].get("continue", "")
            if not token:
                break
        for uid in self._versions.keys() - there:
            self._seen("delete", self._versions[uid][1])
        return version

    def _watch(self, resume: str) -> Iterator[str]:
        """Publishes changes as they come; yields each version from which a watch could go on."""
        for verb, item in self.cluster.watch(self.kind, self.namespace, resume, labels=self.labels):
            if verb == "ERROR":
                raise _error(item)
            if verb in _VERBS:
                self._seen(_VERBS[verb], item)
            yield item["metadata"]["resourceVersion"]

    def _seen(self, verb: str, item: Object) -> None:
        metadata = item["metadata"]
        uid, version = metadata["uid"], metadata["resourceVersion"]
        known = self._versions.get(uid)
        if verb != "delete" and known and known[0] == version:
            return
        self.publisher.publish(self.topic, self._event(verb, item))
        if verb == "delete":
            self._versions.pop(uid, None)
        else:
            self._versions[uid] = (version, _identity(item))

    def _event(self, verb: str, item: Object) -> Event:
        metadata = item["metadata"]
        return Event(
            id=f"{metadata['uid']}/{metadata['resourceVersion']}",
            source="orchestrator/watch",
            type=RESOURCE + verb,
            subject=self.kind.path(metadata["namespace"], metadata["name"]),
            data=item,
        )


def _identity(item: Object) -> Object:
    """What a deletion that nobody saw is told with: enough to say what is gone, and small."""
    kept = ("name", "namespace", "uid", "resourceVersion", "ownerReferences")
    metadata = {key: value for key, value in item["metadata"].items() if key in kept}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata}


def _error(status: dict[str, Any]) -> ClusterError:
    return from_status(status.get("code", 500), json.dumps(status).encode(), None)


def start(watches: list[Watch]) -> list[threading.Thread]:
    """Runs each watch in a thread of its own."""
    threads = [
        threading.Thread(target=watch.run, name=f"watch-{watch.kind.plural}", daemon=True) for watch in watches
    ]
    for thread in threads:
        thread.start()
    return threads
