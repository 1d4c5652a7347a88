"""Follows the objects of one kind: list, watch, watch again where it stopped, list again when history is lost.

The name and the procedure are client-go's (tools/cache: Reflector; API concepts: Efficient detection of changes). A
watch that ends or is cut resumes at the last version seen, bookmarks included. A 410 (history no longer kept) and a
kind that is no longer served lead to a new list, which yields what changed meanwhile and what is gone.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Literal

from functions.cluster.client import Cluster, Object
from functions.cluster.errors import ClusterError, Gone, KindNotServed, Unavailable, from_status
from functions.cluster.kinds import Kind
from functions.cluster.updates import Change, Failure, Signal, Update

log = logging.getLogger("orchestrator")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds between two requests: the first pause, doubled up to the longest while nothing moves on."""

    first: float = 0.2
    longest: float = 5.0

    def longer(self, pause: float) -> float:
        """Return the pause after `pause`."""
        return min(pause * 2, self.longest)


class Reflector:
    """The changes of one kind, in one namespace or (None) in all.

    `timeout_seconds` is how long the server keeps a watch open. After `read_timeout` seconds without data a watch is
    given up. `wait` sleeps between two requests.
    """

    def __init__(
        self,
        cluster: Cluster,
        kind: Kind,
        namespace: str | None,
        *,
        labels: str = "",
        fields: str = "",
        timeout_seconds: int = 300,
        read_timeout: float = 330.0,
        backoff: Backoff = Backoff(),
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._cluster, self._kind, self._namespace = cluster, kind, namespace
        self._labels, self._fields = labels, fields
        self._timeout_seconds, self._read_timeout = timeout_seconds, read_timeout
        self._backoff, self._wait = backoff, wait
        self._version = ""
        """The resourceVersion at which the next watch starts; empty: list first."""
        self._known: dict[str, Object] = {}
        """The last object yielded for each uid, from which a deletion that no watch saw is reported."""

    def follow(self) -> Iterator[Update]:
        """Yield every object, then every change, without end.

        A change counts as seen once the caller asks for the next update. No request is made while the caller works
        on one, so a slow caller slows the server down and loses nothing.
        """
        pause = self._backoff.first
        while True:
            before = self._version
            error = yield from self._list_and_watch()
            yield Signal.PAUSE
            moved_on = error is None or self._version != before
            pause = self._backoff.first if moved_on else self._backoff.longer(pause)
            self._wait(max(pause, min(_retry_after(error), self._backoff.longest)))

    def _list_and_watch(self) -> Generator[Update, None, ClusterError | None]:
        """List if there is no version to watch from, then watch; return the error that ended it, None in time."""
        try:
            if not self._version:
                yield from self._list()
            yield from self._watch()
        except Gone as error:
            log.info("the history of %s is gone; listing again", self._kind.plural)
            self._version = ""
            return error
        except ClusterError as error:
            yield Failure(error)
            if isinstance(error, KindNotServed):
                self._version = ""
            return error
        return None

    def _list(self) -> Iterator[Update]:
        token, version, present = "", "", set()
        while True:
            page = self._cluster.list_page(self._kind, self._namespace, self._labels, token, fields=self._fields)
            yield Signal.CONTACT
            version = version or page["metadata"]["resourceVersion"]
            for item in page["items"]:
                uid = item["metadata"]["uid"]
                present.add(uid)
                yield from self._seen("MODIFIED" if uid in self._known else "ADDED", item)
            token = page["metadata"].get("continue", "")
            if not token:
                break
        for uid in self._known.keys() - present:
            yield Change("DELETED", self._known[uid], version)
            del self._known[uid]
        yield Signal.SYNCED
        self._version = version

    def _watch(self) -> Iterator[Update]:
        events = self._cluster.watch(
            self._kind,
            self._namespace,
            self._version,
            labels=self._labels,
            fields=self._fields,
            timeout_seconds=self._timeout_seconds,
            read_timeout=self._read_timeout,
        )
        yield Signal.CONTACT
        for event, item in events:
            if event == "ERROR":
                raise from_status(item.get("code", 500), item)
            yield Signal.CONTACT
            version = item["metadata"]["resourceVersion"]
            match event:
                case "DELETED":
                    yield Change("DELETED", item, version)
                    self._known.pop(item["metadata"]["uid"], None)
                case "ADDED" | "MODIFIED":
                    yield from self._seen(event, item)
            self._version = version
        yield Signal.CONTACT

    def _seen(self, event: Literal["ADDED", "MODIFIED"], item: Object) -> Iterator[Change]:
        """Yield the object if its version is new."""
        uid, version = item["metadata"]["uid"], item["metadata"]["resourceVersion"]
        known = self._known.get(uid)
        if not known or known["metadata"]["resourceVersion"] != version:
            yield Change(event, item, version)
            self._known[uid] = self._identity(item)

    def _identity(self, item: Object) -> Object:
        """Return the little that is kept of every object: its name, version and owners."""
        kept = ("name", "namespace", "uid", "resourceVersion", "ownerReferences")
        metadata = {key: value for key, value in item["metadata"].items() if key in kept}
        return {"apiVersion": self._kind.api_version, "kind": self._kind.name, "metadata": metadata}


def _retry_after(error: ClusterError | None) -> float:
    return (error.retry_after or 0.0) if isinstance(error, Unavailable) else 0.0
