"""An API server with memoized calls, so that thousands of schedules need few real calls.

Schedules share most of their calls: they differ in the order of a few writes. A server gives the same answer to the
same request in the same state, so each request is sent to the embedded server once per state; after that its answer and
its next state are read from the cache. A state is identified by the writes that led to it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from functions.cluster.errors import ClusterError, Unavailable
from functions.cluster.transport import Request
from functions.local.apiserver.store import Change
from tests.support.api import ROOT
from tests.support.in_process_server import InProcessServer, StoreContent

COLLECT = "the garbage collector works"


@dataclass(eq=False)
class ServerState:
    """A state of the server, and its known transitions."""

    content: StoreContent
    known: dict[str, "Transition"] = field(default_factory=dict)
    notes: dict[Any, Any] = field(default_factory=dict)
    """Cached results of other modules about this state."""


@dataclass(frozen=True)
class Transition:
    """The result of a call: answer as JSON or error, changes, and the state after it."""

    answer: str
    error: ClusterError | None
    changes: tuple[Change, ...]
    after: ServerState


class StateGraph:
    """The states that were reached from a first one, and a server that computes new transitions."""

    def __init__(self, content: StoreContent | None = None, crds: Path = ROOT / "crds") -> None:
        self._crds = crds
        self._server: InProcessServer | None = None
        self._changes: list[Change] = []
        self._at: ServerState | None = None
        self.first = ServerState(content or InProcessServer(crds).content())

    def of(self, moment: ServerState, call: str, put: Callable[[InProcessServer], Any]) -> Transition:
        """Return the result of a call in that state; `put` makes the call the first time."""
        if call not in moment.known:
            moment.known[call] = self._find_out(moment, put)
        return moment.known[call]

    def _find_out(self, moment: ServerState, put: Callable[[InProcessServer], Any]) -> Transition:
        server, answer, error = self._server_at(moment), "", None
        self._changes.clear()
        try:
            answer = json.dumps(put(server))
        except ClusterError as raised:
            error = raised
        changes = tuple(self._changes)
        after = ServerState(_changed(moment.content, changes)) if changes else moment
        self._at = after
        return Transition(answer, error, changes, after)

    def _server_at(self, moment: ServerState) -> InProcessServer:
        if self._server is None:
            self._server = InProcessServer(self._crds)
            self._server.store.observe(self._changes.append)
        if self._at is not moment:
            self._server.become(moment.content)
        return self._server


def _changed(content: StoreContent, changes: tuple[Change, ...]) -> StoreContent:
    bodies = dict(content.bodies)
    for change in changes:
        if change.type == "DELETED":
            del bodies[change.key]
        else:
            bodies[change.key] = change.body
    return replace(content, bodies=bodies, version=changes[-1].version)


@dataclass(frozen=True, slots=True)
class SerializedRequest(Request):
    """A request with its serialized text."""

    written: str = ""

    @classmethod
    def parse(cls, text: str) -> "SerializedRequest":
        """Return the request that `serialize` turned into this text."""
        method, path, query, body, content_type, accept = json.loads(text)
        return cls(method, path, query, body, content_type, accept=accept, written=text)


class MemoizedServer:
    """A `Transport` to a server in one state of its graph (by default the first), which changes with each write."""

    def __init__(self, past: StateGraph, moment: ServerState | None = None) -> None:
        self._past = past
        self.moment = moment or past.first
        self._observers: list[Callable[[Change], None]] = []

    def observe(self, observer: Callable[[Change], None]) -> None:
        """Call `observer` after each change."""
        self._observers.append(observer)

    @property
    def content(self) -> StoreContent:
        """The present content of the server."""
        return self.moment.content

    def collect(self) -> None:
        """Collect garbage until there is none."""
        self._recall(COLLECT, lambda server: server.collect())

    def send(self, request: Request) -> Any:
        """Return the decoded answer. Raise a ClusterError for an error answer."""
        return json.loads(self.answer(request))

    def answer(self, request: Request) -> str:
        """Return the answer as JSON text. Raise a ClusterError for an error answer."""
        known = self._recall(serialize(request), lambda server: server.send(request))
        if known.error:
            raise _again(known.error)
        return known.answer

    def stream(self, request: Request) -> Iterator[Any]:
        """Raise Unavailable: a function call cannot hold a watch open."""
        raise Unavailable(f"no watch of {request.path} without a socket")

    def _recall(self, call: str, put: Callable[[InProcessServer], Any]) -> Transition:
        known = self._past.of(self.moment, call, put)
        self.moment = known.after
        for change in known.changes:
            for observer in self._observers:
                observer(change)
        return known


class RawTransport:
    """The same server as a `Transport` that returns answers as JSON text."""

    def __init__(self, server: MemoizedServer) -> None:
        self._server = server

    def send(self, request: Request) -> str:
        """Return the answer as JSON text. Raise a ClusterError for an error answer."""
        return self._server.answer(request)

    def stream(self, request: Request) -> Iterator[Any]:
        return self._server.stream(request)


def serialize(request: Request) -> str:
    """Return the parts of a request that determine its result, as text."""
    if isinstance(request, SerializedRequest):
        return request.written
    query: Mapping[str, str] = request.query
    return json.dumps([request.method, request.path, dict(query), request.body, request.content_type, request.accept])


def _again(error: ClusterError) -> ClusterError:
    """Return a copy of the error without the traceback of its first caller."""
    return error.with_traceback(None)
