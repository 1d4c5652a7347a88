"""The embedded API server without a socket, so that a test can afford thousands of schedules.

The very same endpoints answer, called as a function: they never wait for anything, so that their coroutine ends in
one go. State is in memory, can be put back to what it was, and every commit can be watched.
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
    """All there is on a server: bodies by place, and the last resourceVersion. Never changed, so it can be shared."""

    bodies: Mapping[Key, str] = field(default_factory=dict)
    version: int = 0


@cache
def _registry(crds: Path) -> Registry:
    return Registry.load(crds)


class InProcessServer:
    """A `Transport` to an API server of its own. Its garbage collector works when `collect` is called."""

    def __init__(self, crds: Path = ROOT / "crds") -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA foreign_keys = ON")
        self.store = Store(self._db)
        registry = _registry(crds)
        self._endpoints = Endpoints(self.store, registry, SampleLogs(), utc_now)
        self._collector = GarbageCollector(self.store, registry, utc_now)
        seed(self.store, registry, utc_now)

    def content(self) -> StoreContent:
        """All there is on the server, which it can `become` again."""
        rows = self._db.execute("SELECT resource, namespace, name, body FROM objects")
        return StoreContent({Key(*row[:3]): row[3] for row in rows}, self.store.version)

    def save(self, database: Path) -> None:
        """Copies all there is to a file, over which a server can be started."""
        with closing(sqlite3.connect(database)) as file:
            self._db.backup(file)

    def become(self, content: StoreContent) -> None:
        """Goes (back) to that content, without any history and without telling observers."""
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
        """Collects garbage until there is none."""
        before = -1
        while before != self.store.version:
            before = self.store.version
            self._collector.collect()

    def send(self, request: Request) -> Any:
        """The decoded answer. Raises a ClusterError."""
        try:
            response = _outcome(self._endpoints(_asgi(request)))
        except StatusError as error:
            raise from_status(error.code, error.status()) from error
        return json.loads(bytes(response.body))

    def stream(self, request: Request) -> Iterator[Any]:
        """No watch can be held open by a function call. Raises Unavailable."""
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
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        found: Response = end.value
        return found
    raise RuntimeError("the API server waited for something in the middle of a call")
