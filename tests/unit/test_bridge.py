"""The watch bridge: every change reaches the queue, also what happened while nobody watched."""

from collections.abc import Iterator
from typing import Any

from functions.bridge.watch import Watch
from functions.cluster.client import Cluster
from functions.cluster.errors import Gone, Unavailable
from functions.cluster.kinds import CODE_RUN
from functions.cluster.transport import Request
from functions.events.event import Event, hint
from functions.events.publisher import PublishError


def item(name: str, version: int) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "n", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"apiVersion": CODE_RUN.api_version, "kind": "CodeRun", "metadata": metadata}


class Scripted:
    """A transport that answers from a script: lists, and watches that end or fail as told."""

    def __init__(self, lists: list[list[dict[str, Any]]], watches: list[list[Any]]) -> None:
        self.lists, self.watches = iter(lists), iter(watches)
        self.resumed: list[str] = []

    def send(self, request: Request) -> Any:
        return {"items": next(self.lists), "metadata": {"resourceVersion": "100"}}

    def stream(self, request: Request) -> Iterator[Any]:
        self.resumed.append(request.query["resourceVersion"])
        for each in next(self.watches):
            if isinstance(each, Exception):
                raise each
            yield each


class Queue:
    """Keeps what is published; refuses the first few."""

    def __init__(self, refusals: int = 0) -> None:
        self.events: list[Event] = []
        self.refusals = refusals

    def publish(self, topic: str, event: Event) -> None:
        if self.refusals:
            self.refusals -= 1
            raise PublishError("busy")
        self.events.append(event)

    @property
    def told(self) -> list[str]:
        return [f"{event.type.rsplit('.', 1)[-1]} {event.id}" for event in self.events]


def bridge(transport: Scripted, queue: Queue, rounds: int) -> None:
    left = iter(range(rounds - 1))
    Watch(Cluster(transport), queue, CODE_RUN, "runs", None, lambda _: next(left, None) is None).run()


def change(verb: str, name: str, version: int) -> dict[str, Any]:
    return {"type": verb, "object": item(name, version)}


BOOKMARK = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "120"}}}


def test_what_is_there_at_the_start_is_told_and_then_every_change() -> None:
    queue = Queue()
    bridge(Scripted([[item("a", 5)]], [[change("MODIFIED", "a", 101), change("DELETED", "a", 102)]]), queue, 1)
    assert queue.told == ["add uid-a/5", "update uid-a/101", "delete uid-a/102"]
    found = hint(queue.events[1])
    assert found
    assert (found.kind, found.namespace, found.name) == ("CodeRun", "n", "a")


def test_a_cut_watch_goes_on_from_the_last_version_it_saw_bookmarks_included() -> None:
    transport = Scripted([[]], [[change("ADDED", "a", 101), BOOKMARK, Unavailable("cut")], []])
    bridge(transport, Queue(), 2)
    assert transport.resumed == ["100", "120"]


def test_history_that_is_gone_is_made_up_for_by_listing_changes_and_deletions() -> None:
    lists = [[item("a", 5), item("b", 6), item("c", 7)], [item("a", 5), item("b", 9), item("d", 10)]]
    expired = {"type": "ERROR", "object": {"code": 410, "message": "too old"}}
    queue = Queue()
    bridge(Scripted(lists, [[expired], []]), queue, 2)
    assert queue.told == [
        "add uid-a/5",
        "add uid-b/6",
        "add uid-c/7",
        "add uid-b/9",
        "add uid-d/10",
        "delete uid-c/7",
    ]


def test_a_refused_watch_lists_again() -> None:
    transport = Scripted([[], []], [[Gone("too old")], []])
    bridge(transport, Queue(), 2)
    assert transport.resumed == ["100", "100"]


def test_what_the_queue_did_not_take_is_told_again() -> None:
    queue = Queue(refusals=1)
    transport = Scripted([[]], [[change("ADDED", "a", 101)], [change("ADDED", "a", 101)]])
    bridge(transport, queue, 2)
    assert queue.told == ["add uid-a/101"]
    assert transport.resumed == ["100", "100"]
