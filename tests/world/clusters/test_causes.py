"""CASES K14, K16 and K17: an attempt's record names the cause; a missing Secret is retried with growing pauses."""

import json
from datetime import timedelta

import pytest

from functions.cluster.kinds import CODE_RUN
from functions.runs.lifecycle.retries import fix_pause
from tests.support.api import Harness
from tests.support.builders import NOW
from tests.support.run_steps import job_event, now, reason, run_event, submitted, sweep_minutes, swept
from tests.world.clusters.pods import running_run

MISSING = json.dumps({"outcome": "failed", "reason": "MissingSecret", "message": "Secret github-app-rex is missing"})


def test_cancelled_attempt_is_recorded_as_cancelled(world: Harness) -> None:
    run, job = running_run(world)
    run_event(world, world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": {"cancel": True}}))
    killed = json.dumps({"outcome": "failed", "reason": "DeadlineExceeded", "message": "took too long"})
    job_event(world, world.job_ends(job, killed, ok=False))
    found = now(world, run)
    assert (found.status.phase, found.status.attempts[-1].reason) == ("Cancelled", "Cancelled")
    assert found.status.attempts[-1].message == "cancelled; the attempt was stopped"


def test_missing_secret_is_retried_with_growing_pauses(world: Harness) -> None:
    world.configure(job=world.services.settings.job.model_copy(update={"pending_wait": 30 * 60}))
    run = submitted(world)
    swept(world)
    begun = []
    for _ in range(40):
        found = now(world, run)
        if found.status.open_attempt:
            begun.append(round((world.now - NOW) / timedelta(minutes=1)))
            job_event(world, world.job_ready(found.status.job_name or ""))
            job_event(world, world.job_ends(found.status.job_name or "", MISSING, ok=False))
        sweep_minutes(world, 1)
    assert begun == [0, 1, 3, 7, 15, 30], "the last try is at the end of the wait"
    assert (now(world, run).status.phase, reason(now(world, run))) == ("Failed", "MissingSecret")


@pytest.mark.parametrize(("waited", "pause"), [(0, 1), (1, 2), (3, 4), (7, 8), (15, 15), (30, 15)])
def test_pauses_are_1_2_4_8_and_15_minutes(waited: int, pause: int) -> None:
    assert fix_pause(NOW - timedelta(minutes=waited), NOW) == timedelta(minutes=pause)
