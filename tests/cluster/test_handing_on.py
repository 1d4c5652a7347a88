"""A sweep that continues in the next pass, on a real API server, with the rights of the functions' user."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP
from functions.handlers import reconcile, sweep
from functions.manifests.checkpoint import name_of
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.serving.http import Request
from functions.settings.limits import LimitSettings
from functions.sweeper.scan import BUDGET
from tests.cluster.conftest import APART, FUNCTIONS_USER, Base, connect
from tests.cluster.driving import deliver
from tests.support.api import Harness
from tests.support.control_plane import ControlPlane
from tests.support.node import SimulatedKubelet
from tests.support.run_steps import event, now, submitted

COUNT, PAGE = 5, 2


@pytest.fixture
def world(plane: ControlPlane, base: Base, node: SimulatedKubelet) -> Harness:
    found = Harness(connect(plane, FUNCTIONS_USER), base(APART), node)
    found.configure(limits=LimitSettings(exclusive=False))
    return found


@pytest.fixture
def runs(world: Harness) -> Iterator[list[Run]]:
    """Create runs whose events are not delivered."""
    made = [submitted(world, name=f"long-{number}", service=f"long-{number}") for number in range(COUNT)]
    yield made
    for run in made:
        world.kubelet.delete(CODE_RUN, APART, run.name, run.uid)
        deliver(world, reconcile, event(now(world, run).raw))


def hurried(world: Harness) -> Dependencies:
    """Return dependencies with small pages and time for one run per pass."""
    looks: list[datetime] = []

    def clock() -> datetime:
        looks.append(world.now + BUDGET * len(looks))
        return looks[-1]

    return replace(world.services, cluster=Cluster(world.calls, PAGE), clock=clock)


def test_each_pass_drives_one_run_and_the_next_pass_continues(world: Harness, runs: list[Run]) -> None:
    notes = []
    for number, run in enumerate(runs):
        found = sweep.handle(hurried(world), Request({}, b"")).body
        assert found
        assert (found["data"]["looked"], found["data"]["failed"]) == (1, [])
        assert now(world, run).status.attempt == 1
        if number < COUNT - 1:
            assert found["data"]["left_at"] == f"CodeRun {run.name}"
        notes.append(world.kubelet.get(CONFIG_MAP, APART, name_of("sweep"))["data"])
    assert not any(note["token"] for note in notes[:-1]), "the unfinished runs fit on one page"
    assert notes[-1]["kind"] == ""
    assert len(world.jobs()) >= COUNT
