"""The pauses of the list-and-watch loop between two requests."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError, Gone, KindNotServed, Unavailable
from functions.cluster.kinds import CODE_RUN
from functions.cluster.reflector import Backoff, Reflector
from functions.cluster.transport import Request
from functions.cluster.updates import Change, Failure, Signal, Update


class Over(Exception):
    """The script has ended."""


class Scripted:
    """A transport that answers each request with the next entry: an error, or the events of a watch."""

    def __init__(self, *script: ClusterError | list[str]) -> None:
        self._script = iter(script)
        self.asked: list[str] = []

    def send(self, request: Request) -> Any:
        self.asked.append("list")
        self._next()
        return {"metadata": {"resourceVersion": "10"}, "items": []}

    def stream(self, request: Request) -> Iterator[Any]:
        self.asked.append(request.query["resourceVersion"])
        return iter([self._event(version) for version in self._next()])

    def _next(self) -> list[str]:
        try:
            answer = next(self._script)
        except StopIteration:
            raise Over from None
        if isinstance(answer, ClusterError):
            raise answer
        return answer

    @staticmethod
    def _event(version: str) -> dict[str, Any]:
        metadata = {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": version}
        return {"type": "MODIFIED", "object": {"kind": "CodeRun", "metadata": metadata}}


def played(*script: ClusterError | list[str]) -> tuple[Scripted, list[float], list[Update]]:
    """Return the transport, the pauses between its requests, and the updates of the loop."""
    transport, pauses, updates = Scripted(*script), list[float](), list[Update]()
    following = Reflector(Cluster(transport), CODE_RUN, "n", backoff=Backoff(1, 5), wait=pauses.append)
    with suppress(Over):
        for update in following.follow():
            updates.append(update)
    return transport, pauses, updates


BUSY, CUT = Unavailable("busy"), Unavailable("cut")


def test_the_pause_grows_with_failures_in_a_row() -> None:
    _, pauses, _ = played([], [], BUSY, BUSY, BUSY, BUSY, [], BUSY)
    assert pauses == [1, 2, 4, 5, 5, 1, 2]


def test_a_change_resets_the_pause() -> None:
    transport, pauses, _ = played([], BUSY, BUSY, ["11"], BUSY, ["12"])
    assert pauses == [1, 2, 1, 2, 1], "a list resets the back-off too"
    assert transport.asked == ["list", "10", "10", "10", "11", "11", "12"]


def test_retry_after_extends_the_pause_up_to_the_longest() -> None:
    _, pauses, _ = played([], Unavailable("429", retry_after=3), Unavailable("429", retry_after=60))
    assert pauses == [3, 5]


def test_an_expired_version_is_listed_again_without_a_failure() -> None:
    transport, pauses, updates = played([], [], Gone("old"), [], [])
    assert transport.asked == ["list", "10", "10", "list", "10", "10"]
    assert pauses == [1, 1, 1]
    assert not any(isinstance(update, Failure) for update in updates)


def test_the_pause_grows_with_expired_versions_in_a_row() -> None:
    _, pauses, _ = played([], Gone("old"), [], Gone("old"), [], Gone("old"))
    assert pauses == [2, 4, 5]


def test_a_kind_that_is_not_served_is_listed_again() -> None:
    error = KindNotServed("no such kind")
    transport, _, updates = played(error, [], error, [], [])
    assert transport.asked == ["list", "list", "10", "list", "10", "10"]
    assert [update for update in updates if isinstance(update, Failure)] == [Failure(error)] * 2


def test_the_next_request_waits_for_a_slow_caller() -> None:
    transport = Scripted([], ["11", "12"], [])
    following = Reflector(Cluster(transport), CODE_RUN, "n", wait=lambda _: None).follow()
    while not isinstance(update := next(following), Change):
        assert update in (Signal.CONTACT, Signal.SYNCED)
    assert (update.version, transport.asked) == ("11", ["list", "10"])
