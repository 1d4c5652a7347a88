"""A queue that is slow, refuses, or is gone: events wait on the API server, the bridge's memory stays as it is.

slow       the watch reads no further than the workers' events; everything arrives once the queue moves
refuses    tried again with back-off; nothing lost; not ready, but live
gone       the same, also over a list
stop       the workers' events are stored within a time limit; a queue that hangs does not delay a stop
"""

import time
from dataclasses import replace

import pytest

from functions.bridge.bridge import TOPIC_BY_KIND
from functions.bridge.outbox import WORKERS
from functions.cluster.kinds import CODE_RUN
from tests.bridge.conftest import PATIENCE, QUICK, Counted, Stand, until
from tests.conftest import SCALE

MANY = max(30, int(300 * SCALE))
RUNS_ONLY = {CODE_RUN: TOPIC_BY_KIND[CODE_RUN]}


def names(count: int) -> list[str]:
    return [f"r{number}" for number in range(count)]


def test_a_slow_queue_slows_the_watch_and_nothing_is_lost(stand: Stand) -> None:
    counted = Counted(stand.transport())
    stand.ready_bridge(topics=RUNS_ONLY, transport=counted)
    stand.queue.hold()
    stand.create(*names(MANY))
    until(lambda: stand.queue.waiting == WORKERS, "all workers are busy")
    for allowed in (1, 5, 2):
        before = len(stand.queue.events)
        stand.queue.allow(allowed)
        until(lambda: len(stand.queue.events) == before + allowed, "so many more")  # noqa: B023  (called at once)
        until(lambda: stand.queue.waiting == WORKERS, "all workers are busy again")
        # Each line read is stored, with a worker, or the one that waits for a worker.
        assert counted.lines <= len(stand.queue.events) + WORKERS + 1
    assert counted.lines < MANY
    stand.queue.allow()
    until(lambda: stand.versions() <= stand.published(), "every run")
    assert stand.queue.most_waiting == WORKERS


def test_a_queue_that_refuses_gets_every_event_again(stand: Stand) -> None:
    bridge = stand.ready_bridge()
    stand.queue.refuse(True)
    stand.create(*names(10))
    until(lambda: stand.queue.refusals > 2 * WORKERS, "tried again")
    report = bridge.report()["coderuns"]
    assert (report["ready"], report["live"], bridge.live) == (False, True, True)
    assert report["trouble"]["queue"].startswith("PublishError")
    stand.queue.refuse(False)
    until(lambda: stand.versions() <= stand.published(), "every run")
    until(lambda: bridge.ready, "ready again")


def test_a_queue_that_was_down_receives_existing_objects_and_changes(stand: Stand) -> None:
    stand.queue.go_away()
    stand.create("early")
    bridge = stand.bridge()
    until(lambda: "queue" in bridge.report()["coderuns"]["trouble"], "it notices")
    stand.create(*names(10))
    stand.touch("early")
    stand.network.cut()
    assert not bridge.ready
    stand.queue.come_back()
    until(lambda: stand.versions() <= stand.published(), "everything as it is now")
    until(lambda: bridge.ready, "ready")


def test_a_stop_waits_for_the_workers_and_reads_no_more(embedded_stand: Stand) -> None:
    stand = embedded_stand
    bridge = stand.ready_bridge(topics=RUNS_ONLY)
    stand.queue.hold()
    stand.create(*names(MANY))
    until(lambda: stand.queue.waiting == WORKERS, "all workers are busy")
    stand.queue.allow(WORKERS)
    assert bridge.stop(), "all of it was stored"
    assert len(stand.queue.events) == WORKERS
    assert stand.queue.waiting == 0


@pytest.mark.parametrize("how", ["hangs", "refuses"])
def test_a_stop_takes_no_longer_than_it_may(embedded_stand: Stand, how: str) -> None:
    stand = embedded_stand
    bridge = stand.ready_bridge(replace(QUICK, drain_timeout=0.5), topics=RUNS_ONLY)
    stand.queue.hold() if how == "hangs" else stand.queue.refuse(True)
    stand.create(*names(WORKERS))
    busy = (lambda: stand.queue.waiting) if how == "hangs" else (lambda: stand.queue.refusals)
    until(lambda: busy() >= WORKERS, "all workers are busy")
    before = time.monotonic()
    assert not bridge.stop(), "it says that not all of it was stored"
    assert time.monotonic() - before < PATIENCE, "bounded"
