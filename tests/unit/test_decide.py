"""The next action of a run until its Job has ended, in every state.

| state      | observed                    | next                                              |
|------------|-----------------------------|---------------------------------------------------|
| any        | being deleted               | release once, then nothing                        |
| any        | finalizer or labels missing | add them                                          |
| waiting    | new                         | start                                             |
| waiting    | cancel, bad spec            | close                                             |
| starting   | no Job                      | create it, or fence it if it must not run:        |
|            |                             | test_decide_without_job.py                        |
| starting   | pod stuck, silent, ready    | test_starting.py                                  |
| starting   | Job ready, pod stuck        | running, pending                                  |
| running    | Job gone                    | fence, then lost                                  |
| any open   | cancel                      | stop, then close                                  |
| any open   | foreign Job                 | close: name taken                                 |

The actions after the end of the Job: test_decide_ends.py.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.runs.api_group import FINALIZER
from functions.runs.lifecycle import actions, transitions
from functions.runs.lifecycle.event_filters import needs_no_reconcile
from functions.runs.lifecycle.states import State, state
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.runs.model.status import Obstacle
from tests.support.builders import NOW, POLICY, job, pod, run
from tests.unit.deciding import LATER, finished, name_of, next_for, running, started


def test_a_new_run_starts_with_all_object_names_in_its_status() -> None:
    action = next_for(run())
    assert isinstance(action, actions.Start)
    status = action.status
    assert status.job_name == status.config_map_name == "code-run-1-3f2b8-1"
    assert status.workspace_name == "workspace-api-rex-2e06e942"
    assert status.branch == "agents/run-1-3f2b8"
    assert status.session_id
    assert state(status) is State.STARTING
    assert status.attempts[0].generation == 1


def test_a_run_without_our_finalizer_is_adopted_first() -> None:
    assert next_for(run(finalizers=["other/one"])) == actions.Adopt()


@pytest.mark.parametrize("found", [run(), started(), running()], ids=["waiting", "starting", "running"])
def test_a_run_being_deleted_is_released_once(found: Run) -> None:
    deleting = run(status=found.to_status_update(found.status)["status"], deletionTimestamp="2026-01-02T03:04:00Z")
    assert next_for(deleting) == actions.Release()
    released = run(deletionTimestamp="2026-01-02T03:04:00Z", finalizers=["other/one"])
    assert next_for(released) == actions.Nothing()


def test_a_malformed_run_being_deleted_is_released_too() -> None:
    broken = run(spec={"taskId": "three"}, deletionTimestamp="2026-01-02T03:04:00Z")
    assert broken.spec is None
    assert next_for(broken) == actions.Release()


def test_a_run_with_an_invalid_spec_fails_and_names_the_field() -> None:
    action = next_for(run(spec={"service": "Not A Label"}))
    assert isinstance(action, actions.Close)
    assert action.status.succeeded
    assert action.status.succeeded.reason == Reason.INVALID_SPEC
    assert "service" in (action.status.message or "")


def test_the_missing_job_of_an_attempt_just_recorded_is_created() -> None:
    assert next_for(started(), None) == actions.CreateResources()


def test_a_run_is_running_only_after_its_pod_is_ready() -> None:
    found = started()
    assert next_for(found, job(name_of(found))) == actions.Nothing()
    action = next_for(found, job(name_of(found), ready=1))
    assert isinstance(action, actions.WriteStatus)
    assert action.status.phase == "Running"


def test_an_image_pull_error_is_shown_as_pending_with_the_kubelets_message() -> None:
    waiting = {"name": "agent", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image: x"}}}
    found = started()
    stuck = [pod("Pending", exit_code=None, containerStatuses=[waiting])]
    action = next_for(found, job(name_of(found)), stuck)
    assert isinstance(action, actions.WriteStatus)
    assert (action.status.phase, action.status.message) == ("Pending", "no such image: x")
    shown = found.with_status(action.status)
    assert next_for(shown, job(name_of(found)), stuck) == actions.Nothing()
    given_up = LATER + POLICY.pending_wait
    assert next_for(shown, job(name_of(found)), stuck, given_up) == actions.Stop()
    stopped = job(name_of(found), ended="Failed", reason="DeadlineExceeded", activeDeadlineSeconds=1)
    end = next_for(shown, stopped, [], given_up)
    assert isinstance(end, actions.Close)
    assert end.status.succeeded
    assert end.status.succeeded.reason == Reason.IMAGE_PULL_FAILED


def test_the_lost_job_of_a_running_attempt_is_fenced_and_the_run_retried() -> None:
    found = running()
    assert next_for(found, None) == actions.Fence()
    action = next_for(found, job(name_of(found), parallelism=0), [])
    assert isinstance(action, actions.WriteStatus)
    assert action.status.attempts[-1].reason == Reason.JOB_LOST
    assert action.status.next_attempt_at == LATER + POLICY.backoff


def test_a_foreign_job_under_our_name_ends_the_run() -> None:
    found = started()
    action = next_for(found, job(name_of(found), uid="another"))
    assert isinstance(action, actions.Close)
    assert action.status.succeeded
    assert action.status.succeeded.reason == Reason.NAME_TAKEN


def test_cancel_ends_a_run_in_every_state() -> None:
    cancelled = {"cancel": True}
    assert isinstance(next_for(run(spec=cancelled)), actions.Close)
    found = running(spec=cancelled)
    assert next_for(found, job(name_of(found))) == actions.Stop()
    assert next_for(found, job(name_of(found), activeDeadlineSeconds=1)) == actions.Nothing()
    end = next_for(found, job(name_of(found), ended="Failed", activeDeadlineSeconds=1), [])
    assert isinstance(end, actions.Close)
    assert end.status.phase == "Cancelled"
    unmade = started(spec=cancelled)
    assert next_for(unmade, None) == actions.Fence()
    fenced = next_for(unmade, job(name_of(unmade), parallelism=0), [])
    assert isinstance(fenced, actions.Close)
    assert fenced.status.phase == "Cancelled"


def waiting(**spec: Any) -> Run:
    """Return a queued run."""
    found = run(spec=spec)
    return found.with_status(transitions.queued(run(), Obstacle(message="waits"), NOW))


def test_an_event_is_dropped_only_if_the_run_needs_no_reconcile() -> None:
    assert not needs_no_reconcile(run(), NOW)
    assert needs_no_reconcile(waiting(), LATER), "a released slot or the sweep starts a queued run"
    assert not needs_no_reconcile(waiting(cancel=True), LATER)
    assert not needs_no_reconcile(waiting(contextVersion=2), LATER)
    assert needs_no_reconcile(started(), NOW + timedelta(seconds=1))
    assert not needs_no_reconcile(started(), NOW + timedelta(minutes=1))
    assert needs_no_reconcile(running(), LATER)
    assert not needs_no_reconcile(running(spec={"cancel": True}), LATER)
    assert not needs_no_reconcile(finished(), LATER)
    assert not needs_no_reconcile(run(deletionTimestamp="2026-01-02T03:04:00Z", finalizers=[FINALIZER]), NOW)


def test_lost_labels_are_restored() -> None:
    stripped = run()
    bare = replace(stripped, labels={})
    assert next_for(bare) == actions.Adopt()
