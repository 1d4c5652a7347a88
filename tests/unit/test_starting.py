"""The next action of an attempt whose Job exists and whose agent was not observed as running.

| status shows      | the pod                    | next                                             |
|-------------------|----------------------------|--------------------------------------------------|
| any, wait over    | runs, or its Job is ready  | running                                          |
| obstacle, over    | stuck for the same reason  | stop (a suspended Job is queued, without limit)  |
| obstacle, over    | stuck for another reason   | that one shown, with its own wait                |
| obstacle, over    | no explanation             | obstacle gone: starting, no wait                 |
| obstacle, over    | not read yet               | read the pods                                    |
| any               | missing for a while        | the Job's Events are read and shown              |
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.runs.lifecycle import actions, transitions
from functions.runs.lifecycle.event_diagnosis import job_diagnosis
from functions.runs.lifecycle.live_job import READ_EVENTS_AFTER
from functions.runs.lifecycle.observed import NOT_READ, Pod
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from tests.support.builders import NOW, POLICY, job, pod
from tests.support.run_steps import reason
from tests.unit.deciding import name_of, next_for, running, started

WAITED = NOW + POLICY.pending_wait
NO_NODE = {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3"}]}
CREATING = {"containerStatuses": [{"name": "agent", "state": {"waiting": {"reason": "ContainerCreating"}}}]}
AT_WORK: dict[str, Any] = {"containerStatuses": [{"name": "agent", "state": {"running": {}}}]}
NO_IMAGE = {
    "containerStatuses": [{"name": "agent", "state": {"waiting": {"reason": "ErrImagePull", "message": "none"}}}]
}


def waiting(status: dict[str, Any]) -> Pod:
    return pod("Pending", exit_code=None, **status)


def shows() -> Run:
    """Return a run that shows an obstacle."""
    found = started()
    return found.with_status(transitions.pending(found, Reason.UNSCHEDULABLE, "why", NOW))


def after(found: Run, action: actions.Action) -> Run:
    """Return the run after the decided status was written."""
    assert isinstance(action, actions.WriteStatus)
    return found.with_status(action.status)


def test_an_agent_that_runs_is_not_stopped_after_a_long_start() -> None:
    found = shows()
    for seen, pods in ((job(name_of(found), ready=1), NOT_READ), (job(name_of(found)), [pod("Running", **AT_WORK)])):
        works = after(found, next_for(found, seen, pods, WAITED))
        assert (works.status.phase, works.status.pending_since) == ("Running", None)


def test_a_pod_that_is_still_stuck_after_the_wait_is_stopped() -> None:
    found, stuck = shows(), [waiting(NO_NODE)]
    assert next_for(found, job(name_of(found)), stuck, WAITED - timedelta(seconds=1)) == actions.Nothing()
    assert next_for(found, job(name_of(found)), stuck, WAITED) == actions.Stop()
    assert next_for(found, job(name_of(found), activeDeadlineSeconds=1), stuck, WAITED) == actions.Nothing()
    assert next_for(found, job(name_of(found), suspend=True), stuck, WAITED) == actions.ReadEvents(
        name_of(found), "Job"
    )


def test_pods_are_read_before_an_attempt_is_stopped() -> None:
    found = shows()
    assert next_for(found, job(name_of(found)), NOT_READ, WAITED) == actions.ReadPods()
    assert next_for(found, job(name_of(found)), NOT_READ, NOW) == actions.Nothing()


def test_the_wait_ends_with_its_obstacle_and_the_next_has_its_own() -> None:
    found, seen = shows(), job(name_of(shows()))
    assert next_for(found, seen, [waiting(CREATING)], WAITED) == actions.ReadEvents("p")
    looked = [replace(waiting(CREATING), unexplained=False)]
    starts = after(found, next_for(found, seen, looked, WAITED))
    assert (starts.status.phase, starts.status.pending_since) == ("Pending", None)
    assert reason(starts) == Reason.STARTING
    pulls = after(starts, next_for(starts, seen, [waiting(NO_IMAGE)], WAITED))
    assert pulls.status.pending_since == WAITED


def test_a_different_obstacle_starts_a_new_wait() -> None:
    found, seen = shows(), job(name_of(shows()))
    pulls = after(found, next_for(found, seen, [waiting(NO_IMAGE)], WAITED))
    assert (pulls.status.message, pulls.status.pending_since) == ("none", WAITED)
    assert next_for(pulls, seen, [waiting(NO_IMAGE)], WAITED) == actions.Nothing()
    assert next_for(pulls, seen, [waiting(NO_IMAGE)], WAITED + POLICY.pending_wait) == actions.Stop()


@pytest.mark.parametrize("found", [running(), shows()], ids=["running", "stopping"])
def test_a_running_or_stopping_attempt_is_unchanged(found: Run) -> None:
    longest = 7200 if found.status.phase == "Running" else 1
    seen = job(name_of(found), ready=1, activeDeadlineSeconds=longest)
    assert next_for(found, seen, [waiting(NO_NODE)], WAITED) == actions.Nothing()


def test_a_job_without_a_pod_has_its_events_read_after_a_while() -> None:
    found, seen = started(), job(name_of(started()))
    assert next_for(found, seen, [], NOW + READ_EVENTS_AFTER - timedelta(seconds=1)) == actions.Nothing()
    assert next_for(found, seen, [], NOW + READ_EVENTS_AFTER) == actions.ReadEvents(name_of(found), "Job")
    for busy in (replace(seen, has_no_pod=False), replace(seen, pod_rejection=None)):
        assert next_for(found, busy, [], NOW + READ_EVENTS_AFTER) == actions.Nothing()


def test_cancel_prevents_the_pod_or_stops_the_one_that_exists() -> None:
    found = started(spec={"cancel": True})
    assert next_for(found, job(name_of(found))) == actions.ReadPods()
    assert next_for(found, job(name_of(found)), []) == actions.PreventPods()
    assert next_for(found, job(name_of(found)), [waiting(CREATING)]) == actions.Stop()
    assert next_for(found, replace(job(name_of(found)), has_no_pod=False)) == actions.Stop()


def test_a_job_whose_pod_is_refused_is_shown_and_ended_after_the_wait() -> None:
    found = started()
    refused = replace(job(name_of(found)), pod_rejection=(Reason.POD_REFUSED, "exceeded quota"))
    shown = after(found, next_for(found, refused, [], NOW))
    assert (shown.status.phase, shown.status.message, shown.status.pending_since) == (
        "Pending",
        "exceeded quota",
        NOW,
    )
    assert next_for(shown, refused, [], WAITED - timedelta(seconds=1)) == actions.Nothing()
    assert next_for(shown, refused, [], WAITED) == actions.PreventPods()
    end = next_for(shown, job(name_of(found), parallelism=0), [], WAITED)
    assert isinstance(end, actions.Close)
    assert (end.status.phase, reason(found.with_status(end.status))) == ("Failed", Reason.POD_REFUSED)


def job_event(reason: str, minute: int, message: str = "") -> dict[str, Any]:
    return {"reason": reason, "message": message, "lastTimestamp": f"2026-01-02T03:{minute:02}:00Z", "metadata": {}}


REFUSED = job_event("FailedCreate", 1, 'pods "x" is forbidden: exceeded quota: q')


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([], None),
        ([job_event("Suspended", 0)], None),
        ([REFUSED], (Reason.QUEUED, REFUSED["message"])),
        ([job_event("FailedCreate", 1, "denied by a webhook")], (Reason.POD_REFUSED, "denied by a webhook")),
        ([job_event("FailedCreate", 2, "later"), REFUSED], (Reason.POD_REFUSED, "later")),
        ([job_event("FailedCreate", 1)], (Reason.POD_REFUSED, "the cluster refuses its pod")),
        ([job_event("SuccessfulCreate", 2), REFUSED], None),
        ([job_event("SuccessfulCreate", 1), REFUSED], None),
        ([job_event("SuccessfulCreate", 0), REFUSED], (Reason.QUEUED, REFUSED["message"])),
    ],
)
def test_job_events_explain_a_missing_pod(events: list[dict[str, Any]], found: tuple[Reason, str] | None) -> None:
    assert job_diagnosis(events) == job_diagnosis(events[::-1]) == found
