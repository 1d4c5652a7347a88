"""Watches: the changes of a collection as they are committed, one JSON object per line.

A watch stores only the version it has sent. After a change it reads the history from there, so a slow client uses no
memory; a client whose version is older than the history gets 410 and lists again.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from functions.local.apiserver.errors import Obj, StatusError, expired
from functions.local.apiserver.requests import Target
from functions.local.apiserver.selectors import Selector
from functions.local.apiserver.store import Change, Store

BOOKMARK_SECONDS = 30.0  # the real server sends one about once a minute
TIMEOUT_SECONDS = 3_600  # the real server: 30 to 60 minutes


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """The options of a watch.

    `version` 0 begins with the existing objects; `show` converts objects to the form that is sent.
    """

    version: int
    selector: Selector
    bookmarks: bool
    timeout_seconds: float
    show: Callable[[list[Obj]], Obj] | None = None


async def watch(store: Store, target: Target, options: WatchOptions) -> AsyncIterator[bytes]:
    """Yield the lines of a watch until its timeout."""
    stream = _Stream(store, target, options)
    end = asyncio.get_running_loop().time() + options.timeout_seconds
    if options.version == 0:
        yield stream.existing()
    while not store.closing:
        change, remaining = store.next_change(target.kind.resource), end - asyncio.get_running_loop().time()
        try:
            if lines := stream.new_changes():
                yield lines
        except StatusError as error:
            yield _line("ERROR", json.dumps(error.status()))
            return
        if remaining <= 0 or not await _is_set_within(change, min(remaining, BOOKMARK_SECONDS)):
            yield stream.bookmark()
        if remaining <= 0:
            return


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


class _Stream:
    """The state of one watch."""

    def __init__(self, store: Store, target: Target, options: WatchOptions) -> None:
        self._store, self._target, self._options = store, target, options
        self._version = options.version
        self._bookmarked = options.version

    def existing(self) -> bytes:
        """Return the existing objects as ADDED events."""
        kind, selector = self._target.kind, self._options.selector
        self._version = self._bookmarked = self._store.version
        texts = self._store.bodies(kind.resource, self._target.namespace or None)
        objects = [obj for obj in map(json.loads, texts) if selector.matches(kind, obj)]
        return b"".join(self._event("ADDED", obj) for obj in objects)

    def new_changes(self) -> bytes:
        """Return the changes since the last call; raise StatusError 410."""
        kind, namespace = self._target.kind, self._target.namespace or None
        if self._version < self._store.compacted or self._version > self._store.version:
            raise expired(f"too old resource version: {self._version} ({self._store.compacted + 1})")
        changes = self._store.since(self._version, kind.resource, namespace)
        self._version = self._store.version
        return b"".join(line for change in changes for line in self._lines(change))

    def bookmark(self) -> bytes:
        """Return a bookmark with the current version, if the client requested bookmarks and does not know it yet."""
        if not self._options.bookmarks or self._version == self._bookmarked:
            return b""
        self._bookmarked = self._version
        kind = self._target.kind
        meta = {"resourceVersion": str(self._version), "creationTimestamp": None}
        empty = show([]) if (show := self._options.show) else {"kind": kind.kind, "apiVersion": kind.api_version}
        return _line("BOOKMARK", json.dumps({**empty, "metadata": meta}))

    def _lines(self, change: Change) -> Iterator[bytes]:
        """Yield the event of a change; an object that no longer matches the selector is reported as deleted."""
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

    def _event(self, change_type: str, obj: Obj) -> bytes:
        show = self._options.show
        return _line(change_type, json.dumps(show([obj]) if show else obj, separators=(",", ":")))


def _line(change_type: str, body: str) -> bytes:
    return f'{{"type":"{change_type}","object":{body}}}\n'.encode()
