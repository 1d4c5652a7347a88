"""A sweep reports the actions that it took for lost events: counts in its answer, and one log line per run."""

import logging
from collections.abc import Callable

import pytest

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN
from functions.composition import REPORTERS
from functions.handlers import sweep
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.serving.http import Request
from functions.settings.limits import LimitSettings
from tests.support.api import Harness
from tests.support.crashing import CrashingTransport, Killed
from tests.support.injected_errors import ALL_LATER_CALLS, OUTAGE, ErrorInjector
from tests.support.run_steps import DONE, LOST, now, run_event, submitted, swept

Missed = Callable[[Harness], Run]


def new(world: Harness) -> Run:
    return submitted(world)


def recorded(world: Harness) -> Run:
    """Return a run whose attempt is recorded; the sweep that recorded it died right after that write."""
    run = submitted(world)
    calls, at = world.calls, 0
    while now(world, run).status.attempt is None:
        services = world.services
        crashing = Dependencies(
            services.settings,
            Cluster(CrashingTransport(calls, at, after=True)),
            services.clock,
            connect_reporters=REPORTERS,
        )
        with pytest.raises(Killed):
            sweep.handle(crashing, Request({}, b""))
        at += 1
    return run


def started(world: Harness) -> Run:
    run = submitted(world)
    run_event(world, run.raw, "add")
    return now(world, run)


def came_up(world: Harness) -> Run:
    run = started(world)
    world.job_ready(run.status.job_name or "")
    return run


def ended(world: Harness) -> Run:
    run = came_up(world)
    world.job_ends(run.status.job_name or "", DONE)
    return run


def failed(world: Harness) -> Run:
    run = came_up(world)
    world.job_ends(run.status.job_name or "", LOST, ok=False)
    return run


def cancelled(world: Harness) -> Run:
    run = came_up(world)
    swept(world)
    world.kubelet.patch(CODE_RUN, run.namespace, run.name, {"spec": {"cancel": True}})
    return run


@pytest.mark.parametrize(
    ("missed", "healed", "words"),
    [
        (new, {"Start": 1}, "Start (Starting)"),
        (recorded, {"CreateResources": 1}, "CreateResources (Starting)"),
        (came_up, {"WriteStatus": 1}, "WriteStatus (Running)"),
        (ended, {"Close": 1}, "Close (Completed)"),
        (failed, {"WriteStatus": 1}, "WriteStatus (Retrying)"),
        (cancelled, {"Stop": 1}, "Stop (Running)"),
        (started, {}, None),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_action_of_the_sweep_is_counted_and_logged(
    world: Harness, caplog: pytest.LogCaptureFixture, missed: Missed, healed: dict[str, int], words: str | None
) -> None:
    world.configure(limits=LimitSettings(exclusive=False))
    run = missed(world)
    caplog.clear()
    with caplog.at_level(logging.INFO, "orchestrator"):
        found = swept(world).body
    assert found
    assert found["data"]["healed"] == healed
    lines = [record for record in caplog.records if record.getMessage().startswith("healed: ")]
    assert [(line.getMessage(), getattr(line, "run", "")) for line in lines] == (
        [(f"healed: {words}", run.key)] if words else []
    )


def test_start_of_a_run_by_admission_is_counted_too(world: Harness) -> None:
    submitted(world)
    found = swept(world).body
    assert found
    assert found["data"]["healed"] == {"Start": 1}


def test_action_before_an_error_is_counted(world: Harness) -> None:
    world.configure(limits=LimitSettings(exclusive=False))
    run = submitted(world)
    world.kubelet.patch(CODE_RUN, run.namespace, run.name, {"metadata": {"finalizers": None}})
    adopted = 6
    """Number of the call; before it are reads of the checkpoint, Jobs, pods, runs of both kinds, and the run."""
    services = world.services
    failing = Cluster(ErrorInjector(world.calls, adopted + 1, OUTAGE, ALL_LATER_CALLS))
    found = sweep.handle(
        Dependencies(services.settings, failing, services.clock, connect_reporters=REPORTERS), Request({}, b"")
    ).body
    assert found
    assert (found["data"]["failed"], found["data"]["healed"]) == ([run.key], {"Adopt": 1})
