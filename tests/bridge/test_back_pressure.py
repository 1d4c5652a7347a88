"""A slow, refusing or stopped queue: events wait on the API server and not in the bridge's memory.

queue      bridge
slow       the watch is read only as far as the workers' events; later everything is published
refuses    publishes are repeated with back-off, no event is lost; not ready, but live
stopped    the same, also across a new list
any        a stop of the bridge waits for the workers' events up to a time limit
"""

import time
from dataclasses import replace

import pytest

from functions.bridge.bridge import TOPIC_BY_KIND
from functions.bridge.outbox import WORKERS
from functions.cluster.kinds import CODE_RUN
from tests.bridge.conftest import PATIENCE, QUICK, Bench, Counted, until
from tests.conftest import SCALE

MANY = max(30, int(300 * SCALE))
RUNS_ONLY = {CODE_RUN: TOPIC_BY_KIND[CODE_RUN]}


def names(count: int) -> list[str]:
    return [f"r{number}" for number in range(count)]


def test_slow_queue_slows_the_watch_and_loses_no_event(bench: Bench) -> None:
    counted = Counted(bench.transport())
    bench.ready_bridge(topics=RUNS_ONLY, transport=counted)
    bench.queue.hold()
    bench.create(*names(MANY))
    until(lambda: bench.queue.waiting == WORKERS, "all workers are busy")
    for allowed in (1, 5, 2):
        before = len(bench.queue.events)
        bench.queue.allow(allowed)
        until(lambda: len(bench.queue.events) == before + allowed, "so many more")  # noqa: B023  (called at once)
        until(lambda: bench.queue.waiting == WORKERS, "all workers are busy again")
        # Each line read is stored, held by a worker, or the single one that waits for a worker.
        assert counted.lines <= len(bench.queue.events) + WORKERS + 1
    assert counted.lines < MANY
    bench.queue.allow()
    until(lambda: bench.versions() <= bench.published(), "every run")
    assert bench.queue.most_waiting == WORKERS


def test_queue_that_refuses_gets_every_event_later(bench: Bench) -> None:
    bridge = bench.ready_bridge()
    bench.queue.refuse(True)
    bench.create(*names(10))
    until(lambda: bench.queue.refusals > 2 * WORKERS, "tried again")
    report = bridge.report()["coderuns"]
    assert (report["ready"], report["live"], bridge.live) == (False, True, True)
    assert report["trouble"]["queue"].startswith("PublishError")
    bench.queue.refuse(False)
    until(lambda: bench.versions() <= bench.published(), "every run")
    until(lambda: bridge.ready, "ready again")


def test_queue_that_was_stopped_gets_existing_objects_and_changes(bench: Bench) -> None:
    bench.queue.go_away()
    bench.create("early")
    bridge = bench.bridge()
    until(lambda: "queue" in bridge.report()["coderuns"]["trouble"], "the report has the trouble")
    bench.create(*names(10))
    bench.touch("early")
    bench.network.cut()
    assert not bridge.ready
    bench.queue.come_back()
    until(lambda: bench.versions() <= bench.published(), "everything as it is now")
    until(lambda: bridge.ready, "ready")


def test_stop_waits_for_the_workers_and_reads_no_more(embedded_bench: Bench) -> None:
    bench = embedded_bench
    bridge = bench.ready_bridge(topics=RUNS_ONLY)
    bench.queue.hold()
    bench.create(*names(MANY))
    until(lambda: bench.queue.waiting == WORKERS, "all workers are busy")
    bench.queue.allow(WORKERS)
    assert bridge.stop(), "all events of the workers were stored"
    assert len(bench.queue.events) == WORKERS
    assert bench.queue.waiting == 0


@pytest.mark.parametrize("how", ["hangs", "refuses"])
def test_stop_ends_at_its_time_limit(embedded_bench: Bench, how: str) -> None:
    bench = embedded_bench
    bridge = bench.ready_bridge(replace(QUICK, drain_timeout=0.5), topics=RUNS_ONLY)
    bench.queue.hold() if how == "hangs" else bench.queue.refuse(True)
    bench.create(*names(WORKERS))
    busy = (lambda: bench.queue.waiting) if how == "hangs" else (lambda: bench.queue.refusals)
    until(lambda: busy() >= WORKERS, "all workers are busy")
    before = time.monotonic()
    assert not bridge.stop(), "False: not all events were stored"
    assert time.monotonic() - before < PATIENCE, "bounded"
