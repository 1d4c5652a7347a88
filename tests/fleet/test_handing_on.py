"""A pass of the sweep that runs out of time saves a checkpoint, and the next pass continues there.

Covers the sweep of each minute and the hourly pass.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.cluster.kinds import CODE_RUN, CONFIG_MAP
from functions.events.event import SWEEP_DUE
from functions.runs import api_group
from functions.runs.admission.pending_queue import is_admissible, pending_run
from functions.runs.model.run import parse
from functions.settings.limits import LimitSettings
from functions.sweeper.scan import BUDGET
from tests.conftest import SCALE
from tests.fleet.timed_passes import DUE, MOST, SIZE, PassBench, Queue
from tests.support.actors import Actor, in_order
from tests.support.crashing import CrashingTransport, Killed
from tests.support.in_process_server import StoreContent

A_FEW = BUDGET / 5
"""Time between two reads of the clock, so that a pass reaches only some runs."""


@pytest.mark.parametrize("queue", [Queue(), Queue(refuses=True), None], ids=["queue", "refusing queue", "no queue"])
def test_next_pass_continues_where_the_last_one_stopped(queue: Queue | None) -> None:
    bench = PassBench(queue=queue)
    found = bench.chain(A_FEW)
    assert len(found) > 2
    assert sum(each["looked"] for each in found) == bench.unfinished
    assert all(each["looked"] for each in found)
    assert bench.note()["kind"] == ""
    if queue and not queue.refuses:
        assert [event.type for event in queue.asked] == [SWEEP_DUE] * (len(found) - 1)
        assert len({event.id for event in queue.asked}) == len(found) - 1
    assert bench.passes(bench.services())["looked"] == bench.unfinished


def test_pass_with_enough_time_saves_no_checkpoint() -> None:
    bench = PassBench()
    assert bench.passes(bench.services())["left_at"] is None
    assert bench.note() == {}


@pytest.mark.parametrize("pass_kind", list(DUE))
def test_expired_token_skips_no_run_and_repeats_none(pass_kind: str) -> None:
    bench = PassBench()
    whole = bench.chain(A_FEW, pass_kind)
    bench = PassBench()
    found = [bench.passes(bench.services(A_FEW), pass_kind)]
    while found[-1].get("left_at"):
        bench.server.become(bench.server.content())  # forgets the history, so that every token is expired
        found.append(bench.passes(bench.services(A_FEW), pass_kind))
    assert sum(each.get("looked", 0) for each in found) == sum(each.get("looked", 0) for each in whole)
    assert len(found) == len(whole)


def test_every_run_is_reached_although_each_takes_all_the_time_of_a_pass() -> None:
    bench = PassBench()
    found = bench.chain(BUDGET)
    assert [each["looked"] for each in found] == [1] * bench.unfinished


@pytest.mark.parametrize("order", [[0, 1] * 40, [0] * 9 + [1] * 80, [1] * 12 + [0] * 80], ids=["in turn", "0", "1"])
def test_one_of_two_passes_from_the_same_checkpoint_continues(order: list[int]) -> None:
    bench = PassBench(queue=(queue := Queue()))
    bench.passes(bench.services(A_FEW))
    asked = len(queue.asked)
    actors = [Actor(bench.server, lambda transport: bench.passes(bench.services(A_FEW, transport))) for _ in range(2)]
    in_order(actors, order)
    assert len(queue.asked) == asked + 1


def limited() -> PassBench:
    """Return a bench with as many slots as running runs, two of whose Jobs ended without an event."""
    bench = PassBench(LimitSettings(runs=SIZE // 10))
    bench.population.ends(2)
    return bench


def test_slots_are_given_out_in_order_although_no_pass_read_all_runs() -> None:
    bench = limited()
    queued = [parse(raw) for raw in bench.harness.kubelet.list(CODE_RUN, "orchestrator", f"!{api_group.FINISHED}")]
    waiting = [pending_run(run) for run in queued if is_admissible(run, bench.harness.now)]
    oldest = {each.reservation.name for each in sorted(waiting, key=lambda each: each.order)[:2]}
    for _ in range(3):
        bench.chain(A_FEW)
    phases = Counter(phase for phase, *_ in bench.runs().values())
    assert phases["Running"] + phases["Pending"] == SIZE // 10
    assert phases["Queued"] == bench.population.counts["queued"] - 2
    started = {name for name, (phase, *_) in bench.runs().items() if phase == "Pending"}
    assert started == oldest


def test_slots_given_out_in_one_pass_are_used_in_the_next() -> None:
    bench = PassBench(LimitSettings(runs=SIZE), queue := Queue())
    first = bench.passes(bench.services(BUDGET / 40))
    assert (first["looked"], first["left_at"]) == (bench.unfinished, "the first DocsRun")
    assert 0 < first["healed"]["Start"] < bench.population.counts["queued"]
    assert len(queue.asked) == 1
    bench.chain(BUDGET / 40)
    assert Counter(phase for phase, *_ in bench.runs().values())["Queued"] == 0


def expired() -> PassBench:
    """Return a bench with expired runs and with task files whose owner does not exist."""
    bench = limited()
    bench.harness.now = datetime.now(UTC) + timedelta(days=1)  # task files have the server's creation time
    labels = {"app.kubernetes.io/managed-by": "orchestrator"}
    owner = {"apiVersion": api_group.API_VERSION, "kind": "CodeRun", "name": "gone", "controller": True}
    for number in range(5):
        owners = [{**owner, "uid": f"f0000000-0000-4000-8000-00000000000{number}"}]
        metadata = {
            "name": f"left-{number}",
            "namespace": "orchestrator",
            "labels": labels,
            "ownerReferences": owners,
        }
        bench.harness.kubelet.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    return bench


EVERY = {"sweep": 5 if SCALE < 1 else 1, "retention": 61 if SCALE < 1 else 7}
"""Calls between two crash points: a chain of sweeps makes about 100 calls, one of hourly passes about 700."""
MAKERS: dict[str, Callable[[], PassBench]] = {"sweep": limited, "retention": expired}


def to_the_end(bench: PassBench, pass_kind: str, step: timedelta | None = None) -> Any:
    """Return the end state after a chain of short passes, and chains of `step` until nothing changes."""
    found = [_after(bench, pass_kind, A_FEW)]
    while found[-1] != (end := _after(bench, pass_kind, step)):
        found.append(end)
        assert len(found) < MOST
    return end


def _after(bench: PassBench, pass_kind: str, step: timedelta | None) -> Any:
    bench.chain(step, pass_kind)
    return bench.end()


@pytest.mark.parametrize("pass_kind", list(DUE))
def test_many_passes_have_the_same_result_as_one(pass_kind: str) -> None:
    bench = MAKERS[pass_kind]()
    begun, before = bench.server.content(), bench.end()
    for _ in range(4):
        assert "left_at" not in (found := bench.passes(bench.services(), pass_kind)) or found["left_at"] is None
    unhurried = bench.end()
    bench.server.become(begun)
    assert len(bench.chain(A_FEW, pass_kind)) > 2
    assert to_the_end(bench, pass_kind, A_FEW) == unhurried != before


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("pass_kind", list(DUE))
def test_pass_that_crashes_at_any_call_leads_to_the_same_end(pass_kind: str, after: bool) -> None:
    bench = MAKERS[pass_kind]()
    begun: StoreContent = bench.server.content()
    wanted = to_the_end(bench, pass_kind)
    for at in range(0, 10_000, EVERY[pass_kind]):
        bench.server.become(begun)
        crashing = CrashingTransport(bench.server, at, after)
        with suppress(Killed):
            bench.chain(A_FEW, pass_kind, crashing)
        if not crashing.triggered:
            assert at > 20, "a chain makes more than 20 calls"
            return
        assert to_the_end(bench, pass_kind) == wanted, f"killed at call {at}"
