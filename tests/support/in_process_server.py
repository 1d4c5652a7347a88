"""The embedded API server without a socket, fast enough for thousands of schedules.

The endpoints are called as functions: their coroutines never wait, so that each ends in one step. The state is in
memory and can be restored, and every change can be observed.
"""

import json
import sqlite3
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request as AsgiRequest
from starlette.responses import Response

from functions.cluster.errors import Unavailable, from_status
from functions.cluster.transport import Request
from functions.local.apiserver import Registry, Store
from functions.local.apiserver.app import utc_now
from functions.local.apiserver.bootstrap import seed
from functions.local.apiserver.endpoints import Endpoints
from functions.local.apiserver.errors import StatusError
from functions.local.apiserver.garbage import GarbageCollector
from functions.local.apiserver.store import Key
from tests.support.api import ROOT
from tests.support.embedded_server import SampleLogs


@dataclass(frozen=True)
class StoreContent:
    """The content of a server: bodies by key, and the last resourceVersion. Immutable, so that it can be shared."""

    bodies: Mapping[Key, str] = field(default_factory=dict)
    version: int = 0


@cache
def _registry(crds: Path) -> Registry:
    return Registry.load(crds)


class InProcessServer:
    """A `Transport` and its API server. The garbage collector runs only in `collect`."""

    def __init__(self, crds: Path = ROOT / "crds") -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA foreign_keys = ON")
        self.store = Store(self._db)
        registry = _registry(crds)
        self._endpoints = Endpoints(self.store, registry, SampleLogs(), utc_now)
        self._collector = GarbageCollector(self.store, registry, utc_now)
        seed(self.store, registry, utc_now)

    def content(self) -> StoreContent:
        """Return the content, which `become` can restore."""
        rows = self._db.execute("SELECT resource, namespace, name, body FROM objects")
        return StoreContent({Key(*row[:3]): row[3] for row in rows}, self.store.version)

    def save(self, database: Path) -> None:
        """Copy the content to a database file for another server."""
        with closing(sqlite3.connect(database)) as file:
            self._db.backup(file)

    def become(self, content: StoreContent) -> None:
        """Set the content, without history and without a call of observers."""
        present = self.content().bodies
        self._db.execute("DELETE FROM history")
        for key in present.keys() - content.bodies.keys():
            self._db.execute("DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?", key)
        for key, body in content.bodies.items():
            if present.get(key) != body:
                self._put(key, body)
        self.store.version = content.version

    def _put(self, key: Key, body: str) -> None:
        metadata = json.loads(body)["metadata"]
        uid, owners = metadata["uid"], metadata.get("ownerReferences") or ()
        self._db.execute("DELETE FROM objects WHERE (resource, namespace, name) = (?, ?, ?) OR uid = ?", (*key, uid))
        row = (*key, uid, "deletionTimestamp" in metadata, body)
        self._db.execute("INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?)", row)
        pairs = {(owner["uid"], uid) for owner in owners}
        self._db.executemany("INSERT INTO owners VALUES (?, ?)", pairs)

    def collect(self) -> None:
        """Collect garbage until there is none."""
        before = -1
        while before != self.store.version:
            before = self.store.version
            self._collector.collect()

    def send(self, request: Request) -> Any:
        """Return the decoded answer. Raise a ClusterError for an error answer."""
        try:
            response = _outcome(self._endpoints(_asgi(request)))
        except StatusError as error:
            raise from_status(error.code, error.status()) from error
        return json.loads(bytes(response.body))

    def stream(self, request: Request) -> Iterator[Any]:
        """Raise Unavailable: a function call cannot hold a watch open."""
        raise Unavailable(f"no watch of {request.path} without a socket")


def _asgi(request: Request) -> AsgiRequest:
    body = b"" if request.body is None else json.dumps(request.body).encode()
    headers = [
        (b"host", b"localhost"),
        (b"content-type", request.content_type.encode()),
        (b"accept", request.accept.encode()),
    ]
    scope = {
        "type": "http",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "query_string": urlencode(request.query).encode(),
        "headers": headers,
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return AsgiRequest(scope, receive)


def _outcome(coroutine: Coroutine[Any, Any, Response]) -> Response:
    """Return the result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        found: Response = end.value
        return found
    raise RuntimeError("the API server waited for something in the middle of a call")
