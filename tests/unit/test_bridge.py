"""One watch on a scripted API server: published events, resume versions and logs.

list        every object is published; a list after a gap publishes changes and missed deletions
watch       every change is published; the watch resumes at the last version, bookmarks included
410         at the request or in the stream: a new list
errors      logged once per change of state, at ERROR if people must act; the watch is not ready
queue       a rejected event is published again; the watch waits for it
health      a quiet watch is live; a silent watch, or one whose thread has ended, is dead
"""

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.bridge.bridge import Bridge, Timing
from functions.bridge.watch_health import WatchHealth
from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError, Forbidden, Gone, KindNotServed, Unavailable
from functions.cluster.kinds import CODE_RUN, JOB
from functions.cluster.reflector import Backoff
from functions.cluster.transport import Request
from functions.events.event import Event
from functions.events.object_ref import object_ref
from functions.queues.publisher import PublishError
from functions.runs.lifecycle.observed import parse_job
from tests.support.waiting import until

QUICK = Timing(backoff=Backoff(0.001, 0.01), drain_timeout=5)
PATIENCE = 20.0


def item(name: str, version: int) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "n", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"apiVersion": CODE_RUN.api_version, "kind": "CodeRun", "metadata": metadata}


def change(verb: str, name: str, version: int) -> dict[str, Any]:
    return {"type": verb, "object": item(name, version)}


BOOKMARK = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "120"}}}
EXPIRED = {"type": "ERROR", "object": {"code": 410, "message": "too old"}}


class Scripted:
    """A transport that answers from a script of lists and watches; at its end it sets `over`."""

    def __init__(self, lists: list[Any], watches: list[Any]) -> None:
        self.lists, self.watches = iter(lists), iter(watches)
        self.resumed: list[str] = []
        self.queries: list[str] = []
        self.over = threading.Event()
        self.hang_up = threading.Event()

    def send(self, request: Request) -> Any:
        self.queries.append(request.query.get("labelSelector", ""))
        return {"items": self._next(self.lists), "metadata": {"resourceVersion": "100"}}

    def stream(self, request: Request) -> Iterator[Any]:
        self.resumed.append(request.query["resourceVersion"])
        return self._lines(self._next(self.watches))

    def _next(self, script: Iterator[Any]) -> Any:
        found = next(script, None)
        if isinstance(found, Exception):
            raise found
        if found is None:
            self.over.set()
            self.hang_up.wait(PATIENCE)
            raise Unavailable("the script is over")
        return found

    def _lines(self, lines: list[Any]) -> Iterator[Any]:
        for each in lines:
            if isinstance(each, Exception):
                raise each
            yield each


class Queue:
    """Keeps published events; rejects the first `refusals`."""

    def __init__(self, refusals: int = 0) -> None:
        self.events: list[Event] = []
        self.refusals = refusals

    def publish(self, topic: str, event: Event) -> None:
        if self.refusals:
            self.refusals -= 1
            raise PublishError("busy")
        self.events.append(event)

    @property
    def published(self) -> list[str]:
        return [f"{event.type.rsplit('.', 1)[-1]} {event.id}" for event in self.events]


class Kept(logging.Handler):
    """Keeps log records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """Yield the records of the project's logger."""
    handler, logger = Kept(), logging.getLogger("orchestrator")
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield handler.records
    logger.removeHandler(handler)
    logger.setLevel(before)


def play(transport: Scripted, queue: Queue, kind: Any = CODE_RUN) -> Bridge:
    """Play the script to its end, stop the bridge and return it."""
    bridge = Bridge(Cluster(transport), queue, "n", {kind: "runs"}, QUICK, workers=1)
    bridge.start()
    try:
        assert transport.over.wait(PATIENCE), "the script was not played to its end"
    finally:
        stopped = bridge.stop()
        transport.hang_up.set()
        ended(bridge)
    assert stopped
    return bridge


def ended(bridge: Bridge) -> None:
    """Wait until the thread of the watch has ended."""
    otherwise = "the thread of the watch has not ended, or the bridge still reports it as live"
    until(lambda: not bridge.live, PATIENCE, otherwise)


def test_existing_objects_are_published_first_and_then_every_change() -> None:
    queue = Queue()
    play(Scripted([[item("a", 5)]], [[change("MODIFIED", "a", 101), change("DELETED", "a", 102)]]), queue)
    assert queue.published == ["add uid-a/5", "update uid-a/101", "delete uid-a/102"]
    found = object_ref(queue.events[1])
    assert found
    assert (found.kind, found.namespace, found.name) == ("CodeRun", "n", "a")


def test_a_cut_watch_resumes_at_the_last_version_bookmarks_included() -> None:
    transport = Scripted([[]], [[change("ADDED", "a", 101), BOOKMARK, Unavailable("cut")], []])
    play(transport, Queue())
    assert transport.resumed == ["100", "120", "120"]


@pytest.mark.parametrize("gone", [[EXPIRED], Gone("too old"), [change("MODIFIED", "a", 8), EXPIRED]])
def test_the_list_after_an_expired_version_publishes_changes_and_deletions(gone: Any) -> None:
    lists = [[item("a", 5), item("b", 6), item("c", 7)], [item("a", 8), item("b", 9), item("d", 10)]]
    queue = Queue()
    transport = Scripted(lists, [gone, []])
    play(transport, queue)
    assert queue.published == [
        *("add uid-a/5", "add uid-b/6", "add uid-c/7"),
        *("update uid-a/8", "update uid-b/9", "add uid-d/10"),
        "delete uid-c/100",
    ]
    assert transport.resumed == ["100", "100", "100"]
    assert len({event.id for event in queue.events}) == len(queue.events)


def test_a_deletion_that_no_watch_saw_is_published_with_the_owner() -> None:
    job = item("code-a-1", 5) | {"apiVersion": "batch/v1", "kind": "Job", "spec": {"x": 1}}
    owner = {"apiVersion": CODE_RUN.api_version, "kind": "CodeRun", "name": "a", "uid": "u", "controller": True}
    job["metadata"]["ownerReferences"] = [owner]
    queue = Queue()
    play(Scripted([[job], []], [[EXPIRED], []]), queue, JOB)
    assert queue.published[-1] == "delete uid-code-a-1/100"
    assert parse_job(queue.events[-1].data).owner_uid == "u"


def test_only_jobs_of_runs_are_watched() -> None:
    for kind, selector in ((CODE_RUN, ""), (JOB, "agents.platform/run")):
        transport = Scripted([[]], [])
        play(transport, Queue(), kind)
        assert transport.queries == [selector]


def test_a_rejected_event_is_retried_and_none_is_published_twice() -> None:
    queue = Queue(refusals=3)
    transport = Scripted([[item("a", 5)]], [[change("MODIFIED", "a", 101)]])
    play(transport, queue)
    assert queue.published == ["add uid-a/5", "update uid-a/101"]
    assert transport.resumed == ["100", "101"]


def test_the_bridge_is_ready_only_after_its_first_list_is_published() -> None:
    queue = Queue(refusals=10**9)
    transport = Scripted([[item("a", 5)]], [[]])
    bridge = Bridge(Cluster(transport), queue, "n", {CODE_RUN: "runs"}, QUICK)
    bridge.start()
    try:
        assert not transport.over.wait(0.1), "no watch begins before the list is published"
        assert not bridge.ready
        assert bridge.report()["coderuns"]["trouble"] == {"queue": "PublishError: busy"}
        queue.refusals = 0
        assert transport.over.wait(PATIENCE)
        assert bridge.ready
        assert bridge.live
    finally:
        bridge.stop()
        transport.hang_up.set()
        ended(bridge)


@pytest.mark.parametrize(
    ("error", "level"),
    [(Forbidden("no rights"), "ERROR"), (KindNotServed("no such kind"), "ERROR"), (Unavailable("503"), "WARNING")],
)
def test_an_error_is_logged_once_per_change_of_state_and_makes_the_watch_not_ready(
    error: ClusterError, level: str, logged: list[logging.LogRecord]
) -> None:
    other = Unavailable("busy") if level == "ERROR" else KindNotServed("gone")
    transport = Scripted([error, error, error, other, error, []], [])
    bridge = play(transport, Queue())
    ours = [record for record in logged if "watch of coderuns" in record.getMessage()]
    assert [record.levelname for record in ours][:4] == [level, *{"ERROR", "WARNING"} - {level}, level, "INFO"]
    assert str(error) in ours[0].getMessage()
    assert bridge.report()["coderuns"]["listed"]


def test_a_kind_that_was_not_served_is_listed_again() -> None:
    queue = Queue()
    transport = Scripted([[], [item("a", 7)]], [KindNotServed("the CRD was taken away"), []])
    play(transport, queue)
    assert queue.published == ["add uid-a/7"]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_only_answers_of_the_cluster_or_a_wait_for_the_queue_end_silence() -> None:
    clock = Clock()
    health = WatchHealth("coderuns", clock)
    for sign in (lambda: health.ok("cluster"), lambda: health.failed("cluster", Forbidden("no rights"))):
        clock.now += 100
        assert health.seconds_since_contact == 100
        sign()
        assert health.seconds_since_contact == 0
    clock.now += 100
    health.failed("cluster", Unavailable("no answer"))
    health.published()
    assert health.seconds_since_contact == 100, "a failed call and a published event are no contact with the cluster"
    with health.waiting_for_queue():
        clock.now += 50
        assert health.seconds_since_contact == 50
        health.failed("queue", PublishError("down"))
        assert health.seconds_since_contact == 0, "an answer of the queue counts while the watch waits for the queue"
        clock.now += 70
        assert health.seconds_since_contact == 70, "a queue without an answer is silent"
    assert health.seconds_since_contact == 100, "waiting for the queue does not count as silence of the cluster"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_watch_whose_thread_ended_is_not_live() -> None:
    transport = Scripted([[{"metadata": {}}]], [])  # a defect: an object without uid
    bridge = Bridge(Cluster(transport), Queue(), "n", {CODE_RUN: "runs"}, replace(QUICK, dead_after=1e9))
    bridge.start()
    ended(bridge)
    bridge.stop()
    assert not bridge.report()["coderuns"]["live"]
