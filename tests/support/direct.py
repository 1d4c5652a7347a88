"""The embedded API server without a socket, so that a test can afford thousands of schedules.

The very same endpoints answer, called as a function: they never wait for anything, so that their coroutine ends in
one go. State is in memory, can be copied in a millisecond, and every commit can be watched.
"""

import json
import sqlite3
from collections.abc import Coroutine, Iterator
from functools import cache
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request as AsgiRequest
from starlette.responses import Response

from functions.cluster.errors import Unavailable, from_status
from functions.cluster.transport import Request
from functions.local.apiserver import Registry, Store
from functions.local.apiserver.app import utc_now
from functions.local.apiserver.endpoints import Endpoints
from functions.local.apiserver.errors import StatusError
from functions.local.apiserver.garbage import GarbageCollector
from functions.local.apiserver.seed import seed
from functions.local.apiserver.store import Key
from tests.support.api import ROOT
from tests.support.embedded import SampleLogs


@cache
def _registry() -> Registry:
    return Registry.load(ROOT / "crds")


class Direct:
    """A `Transport` to an API server of its own. Its garbage collector works when `collect` is called."""

    def __init__(self, content: bytes | None = None) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        if content:
            self._db.deserialize(content)
        self._db.execute("PRAGMA foreign_keys = ON")
        self.store = Store(self._db)
        self._endpoints = Endpoints(self.store, _registry(), SampleLogs(), utc_now)
        self._collector = GarbageCollector(self.store, _registry(), utc_now)
        if not content:
            seed(self.store, _registry(), utc_now)

    def content(self) -> bytes:
        """All there is on the server, from which another one can be made."""
        return self._db.serialize()

    def close(self) -> None:
        """Frees the memory."""
        self._db.close()

    def objects(self, namespace: str) -> list[tuple[Key, str]]:
        """Every object of a namespace and its body."""
        rows = self._db.execute(
            "SELECT resource, namespace, name, body FROM objects WHERE namespace = ?", (namespace,)
        )
        return [(Key(*row[:3]), row[3]) for row in rows]

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
            raise from_status(error.code, json.dumps(error.status()).encode(), None) from error
        return json.loads(bytes(response.body))

    def stream(self, request: Request) -> Iterator[Any]:
        """No watch can be held open by a function call. Raises Unavailable."""
        raise Unavailable(f"no watch of {request.path} without a socket")


def _asgi(request: Request) -> AsgiRequest:
    body = b"" if request.body is None else json.dumps(request.body).encode()
    headers = [(b"host", b"localhost"), (b"content-type", request.content_type.encode())]
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
    """What a coroutine that never waits comes to."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        found: Response = end.value
        return found
    raise RuntimeError("the API server waited for something in the middle of a call")
