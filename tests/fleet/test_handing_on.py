"""A pass that runs out of time hands on, and the next one goes on from there.

| what happens                                | then                                                       |
|---------------------------------------------|------------------------------------------------------------|
| time is over in the middle of the lists     | note and message; the rest is looked at, each run once     |
| there is no queue, or it takes no message   | the schedule's next pass goes on from the note             |
| the API server has forgotten the token: 410 | a new list, and what was passed is passed over             |
| each run takes all the time there is        | every one is come to in its turn                           |
| two passes go on from the same place        | one hands on                                               |
| a pass is killed at any of its calls        | the next ones bring all to the same end                    |
| places are to be given out                  | only with all runs in view                                 |

The sweep of every minute, and the hourly pass over everything.
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
"""Between two looks at the clock, so that a pass has time for some runs only."""


@pytest.mark.parametrize("queue", [Queue(), Queue(refuses=True), None], ids=["queue", "refusing queue", "no queue"])
def test_the_next_pass_goes_on_where_the_last_one_stopped(queue: Queue | None) -> None:
    scene = PassBench(queue=queue)
    found = scene.chain(A_FEW)
    assert len(found) > 2
    assert sum(each["looked"] for each in found) == scene.unfinished
    assert all(each["looked"] for each in found)
    assert scene.note()["kind"] == ""
    if queue and not queue.refuses:
        assert [event.type for event in queue.asked] == [SWEEP_DUE] * (len(found) - 1)
        assert len({event.id for event in queue.asked}) == len(found) - 1
    assert scene.passes(scene.services())["looked"] == scene.unfinished


def test_a_pass_with_time_enough_notes_nothing() -> None:
    scene = PassBench()
    assert scene.passes(scene.services())["left_at"] is None
    assert scene.note() == {}


@pytest.mark.parametrize("what", list(DUE))
def test_a_forgotten_token_loses_nothing_and_repeats_nothing(what: str) -> None:
    scene = PassBench()
    whole = scene.chain(A_FEW, what)
    scene = PassBench()
    found = [scene.passes(scene.services(A_FEW), what)]
    while found[-1].get("left_at"):
        scene.server.become(scene.server.content())  # the history is gone, and every token with it
        found.append(scene.passes(scene.services(A_FEW), what))
    assert sum(each.get("looked", 0) for each in found) == sum(each.get("looked", 0) for each in whole)
    assert len(found) == len(whole)


def test_runs_that_take_all_the_time_keep_no_other_from_being_reached() -> None:
    scene = PassBench()
    found = scene.chain(BUDGET)
    assert [each["looked"] for each in found] == [1] * scene.unfinished


@pytest.mark.parametrize("order", [[0, 1] * 40, [0] * 9 + [1] * 80, [1] * 12 + [0] * 80], ids=["in turn", "0", "1"])
def test_of_two_passes_that_began_at_the_same_place_one_hands_on(order: list[int]) -> None:
    scene = PassBench(queue=(queue := Queue()))
    scene.passes(scene.services(A_FEW))
    asked = len(queue.asked)
    actors = [Actor(scene.server, lambda transport: scene.passes(scene.services(A_FEW, transport))) for _ in range(2)]
    in_order(actors, order)
    assert len(queue.asked) == asked + 1


def limited() -> PassBench:
    """As many places as there are runs at work; some have just ended, without an event."""
    scene = PassBench(LimitSettings(runs=SIZE // 10))
    scene.population.ends(2)
    return scene


def test_places_are_given_out_in_order_although_no_pass_saw_all_runs() -> None:
    scene = limited()
    queued = [parse(raw) for raw in scene.harness.kubelet.list(CODE_RUN, "orchestrator", f"!{api_group.FINISHED}")]
    waiting = [pending_run(run) for run in queued if is_admissible(run, scene.harness.now)]
    oldest = {each.reservation.name for each in sorted(waiting, key=lambda each: each.order)[:2]}
    for _ in range(3):
        scene.chain(A_FEW)
    phases = Counter(phase for phase, *_ in scene.runs().values())
    assert phases["Running"] + phases["Pending"] == SIZE // 10
    assert phases["Queued"] == scene.population.counts["queued"] - 2
    started = {name for name, (phase, *_) in scene.runs().items() if phase == "Pending"}
    assert started == oldest


def test_places_given_in_one_pass_are_taken_in_the_next_where_there_was_no_time_to_start_all() -> None:
    scene = PassBench(LimitSettings(runs=SIZE), queue := Queue())
    first = scene.passes(scene.services(BUDGET / 40))
    assert (first["looked"], first["left_at"]) == (scene.unfinished, "the first DocsRun")
    assert 0 < first["healed"]["Start"] < scene.population.counts["queued"]
    assert len(queue.asked) == 1
    scene.chain(BUDGET / 40)
    assert Counter(phase for phase, *_ in scene.runs().values())["Queued"] == 0


def expired() -> PassBench:
    """Long afterwards: runs that succeeded are due to be deleted, and there are task files without an owner."""
    scene = limited()
    scene.harness.now = datetime.now(UTC) + timedelta(days=1)  # the server's clock says how old task files are
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
        scene.harness.kubelet.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    return scene


EVERY = {"sweep": 5 if SCALE < 1 else 1, "retention": 61 if SCALE < 1 else 7}
"""Calls between two at which a pass is killed; a chain of sweeps makes some 100, one of the other some 700."""
MAKERS: dict[str, Callable[[], PassBench]] = {"sweep": limited, "retention": expired}


def to_the_end(scene: PassBench, what: str, step: timedelta | None = None) -> Any:
    """What passes in a hurry come to, and further ones of `step` that find nothing to do any more."""
    found = [_after(scene, what, A_FEW)]
    while found[-1] != (end := _after(scene, what, step)):
        found.append(end)
        assert len(found) < MOST
    return end


def _after(scene: PassBench, what: str, step: timedelta | None) -> Any:
    scene.chain(step, what)
    return scene.end()


@pytest.mark.parametrize("what", list(DUE))
def test_many_passes_have_the_same_result_as_one(what: str) -> None:
    scene = MAKERS[what]()
    begun, before = scene.server.content(), scene.end()
    for _ in range(4):
        assert "left_at" not in (found := scene.passes(scene.services(), what)) or found["left_at"] is None
    unhurried = scene.end()
    scene.server.become(begun)
    assert len(scene.chain(A_FEW, what)) > 2
    assert to_the_end(scene, what, A_FEW) == unhurried != before


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("what", list(DUE))
def test_killed_at_any_call_it_ends_the_same(what: str, after: bool) -> None:
    scene = MAKERS[what]()
    begun: StoreContent = scene.server.content()
    wanted = to_the_end(scene, what)
    for at in range(0, 10_000, EVERY[what]):
        scene.server.become(begun)
        crashing = CrashingTransport(scene.server, at, after)
        with suppress(Killed):
            scene.chain(A_FEW, what, crashing)
        if not crashing.triggered:
            assert at > 20, "a chain makes more calls than that"
            return
        assert to_the_end(scene, what) == wanted, f"killed at call {at}"
