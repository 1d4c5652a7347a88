"""Watches: the changes of a collection as they are committed, one JSON object a line.

A watch keeps nothing but the version it has got to. When something changes it reads on in the history, so a slow
client costs no memory, and one that falls out of the history is told so (410) and lists again.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from functions.local.apiserver.errors import Obj, StatusError, expired
from functions.local.apiserver.reader import load
from functions.local.apiserver.requests import Target
from functions.local.apiserver.selectors import Selector
from functions.local.apiserver.store import Change, Store

BOOKMARK_SECONDS = 30.0  # the real server: about once a minute
TIMEOUT_SECONDS = 3_600  # the real server: 30 to 60 minutes


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How to watch. `version` 0: begin with what there is. `show` turns objects into what is sent for them."""

    version: int
    selector: Selector
    bookmarks: bool
    timeout_seconds: float
    show: Callable[[list[Obj]], Obj] | None = None


async def watch(store: Store, target: Target, options: WatchOptions) -> AsyncIterator[bytes]:
    """The lines of a watch until its time is up."""
    stream = _Stream(store, target, options)
    end = asyncio.get_running_loop().time() + options.timeout_seconds
    if options.version == 0:
        yield stream.present()
    while not store.closing:
        bell, left = store.bell(target.kind.resource), end - asyncio.get_running_loop().time()
        try:
            if lines := stream.read_on():
                yield lines
        except StatusError as error:
            yield _line("ERROR", json.dumps(error.status()))
            return
        if left <= 0 or not await _rings(bell, min(left, BOOKMARK_SECONDS)):
            yield stream.bookmark()
        if left <= 0:
            return


async def _rings(bell: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(bell.wait(), seconds)
    except TimeoutError:
        return False
    return True


class _Stream:
    """Where one watch has got to."""

    def __init__(self, store: Store, target: Target, options: WatchOptions) -> None:
        self._store, self._target, self._options = store, target, options
        self._version = options.version
        self._bookmarked = options.version

    def present(self) -> bytes:
        """What there is, as if it was just added."""
        kind, selector = self._target.kind, self._options.selector
        self._version = self._bookmarked = self._store.version
        texts = self._store.bodies(kind.resource, self._target.namespace or None)
        objects = [obj for obj in (load(kind, text) for text in texts) if selector.matches(kind, obj)]
        return b"".join(self._event("ADDED", obj) for obj in objects)

    def read_on(self) -> bytes:
        """The changes since the last call. Raises StatusError 410."""
        kind, namespace = self._target.kind, self._target.namespace or None
        if self._version < self._store.compacted or self._version > self._store.version:
            raise expired(f"too old resource version: {self._version} ({self._store.compacted + 1})")
        changes = self._store.since(self._version, kind.resource, namespace)
        self._version = self._store.version
        return b"".join(line for change in changes for line in self._lines(change))

    def bookmark(self) -> bytes:
        """Tells the client how far it has got, where it wants that and does not know it."""
        if not self._options.bookmarks or self._version == self._bookmarked:
            return b""
        self._bookmarked = self._version
        kind = self._target.kind
        meta = {"resourceVersion": str(self._version), "creationTimestamp": None}
        empty = show([]) if (show := self._options.show) else {"kind": kind.kind, "apiVersion": kind.api_version}
        return _line("BOOKMARK", json.dumps({**empty, "metadata": meta}))

    def _lines(self, change: Change) -> Iterator[bytes]:
        """A change as this watch sees it: an object that leaves the selection is deleted for it."""
        if not self._options.selector and self._options.show is None:
            yield _line(change.type, change.body)
            return
        now, before = self._selected(change.body), self._selected(change.previous)
        if now and change.type != "DELETED":
            yield self._event("MODIFIED" if before else "ADDED", now)
        elif before:
            before["metadata"]["resourceVersion"] = str(change.version)
            yield self._event("DELETED", before)

    def _selected(self, text: str | None) -> Obj | None:
        if text is None:
            return None
        obj: Obj = json.loads(text)
        return obj if self._options.selector.matches(self._target.kind, obj) else None

    def _event(self, kind: str, obj: Obj) -> bytes:
        show = self._options.show
        return _line(kind, json.dumps(show([obj]) if show else obj, separators=(",", ":")))


def _line(kind: str, body: str) -> bytes:
    return f'{{"type":"{kind}","object":{body}}}\n'.encode()
