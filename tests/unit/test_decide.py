"""What a run needs next until its Job ends, for every place it can be in.

| state      | seen                        | next                                              |
|------------|-----------------------------|---------------------------------------------------|
| any        | being deleted               | release once, then nothing                        |
| any        | finalizer or labels missing | put them on                                       |
| waiting    | new                         | start                                             |
| waiting    | cancel, bad spec            | close                                             |
| starting   | no Job                      | create it (or fence it, when it must not run):    |
|            |                             | test_decide_without_job.py                        |
| starting   | pod stuck, silent, at work  | test_starting.py                                  |
| starting   | Job ready, pod stuck        | running, pending                                  |
| running    | Job gone                    | fence, then lost                                  |
| any open   | cancel                      | stop, then close                                  |
| any open   | foreign Job                 | close: name taken                                 |

Once it has ended: test_decide_ends.py.
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
from tests.support.builders import NOW, POLICY, job, pod, run
from tests.unit.deciding import LATER, finished, name_of, next_for, running, started


def test_a_new_run_is_started_with_everything_named_in_its_status_first() -> None:
    action = next_for(run())
    assert isinstance(action, actions.Start)
    status = action.status
    assert status.job_name == status.config_map_name == "code-run-1-3f2b8-1"
    assert status.workspace_name == "workspace-api-rex-2e06e942"
    assert status.branch == "agents/run-1-3f2b8"
    assert status.session_id
    assert state(status) is State.STARTING
    assert status.attempts[0].generation == 1


def test_a_run_made_with_kubectl_gets_our_finalizer_before_anything_else() -> None:
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


def test_a_run_whose_spec_breaks_the_rules_fails_naming_the_field() -> None:
    action = next_for(run(spec={"service": "Not A Label"}))
    assert isinstance(action, actions.Close)
    assert action.status.succeeded
    assert action.status.succeeded.reason == Reason.INVALID_SPEC
    assert "service" in (action.status.message or "")


def test_the_missing_job_of_an_attempt_just_recorded_is_created() -> None:
    assert next_for(started(), None) == actions.CreateResources()


def test_running_is_shown_only_once_the_agent_was_seen() -> None:
    found = started()
    assert next_for(found, job(name_of(found))) == actions.Nothing()
    action = next_for(found, job(name_of(found), ready=1))
    assert isinstance(action, actions.WriteStatus)
    assert action.status.phase == "Running"


def test_an_image_that_cannot_be_pulled_is_shown_with_the_kubelets_words_and_never_as_running() -> None:
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


def test_the_lost_job_of_a_running_attempt_is_fenced_and_tried_afresh() -> None:
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


def test_cancel_ends_a_run_from_every_place() -> None:
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
    """One that was told to wait for a place."""
    found = run(spec=spec)
    return found.with_status(transitions.queued(run(), "waits", NOW))


def test_an_event_alone_decides_nothing_but_that_there_is_nothing_to_do() -> None:
    assert not needs_no_reconcile(run(), NOW)
    assert needs_no_reconcile(waiting(), LATER), "who frees a place comes to it, and the sweep"
    assert not needs_no_reconcile(waiting(cancel=True), LATER)
    assert not needs_no_reconcile(waiting(contextVersion=2), LATER)
    assert needs_no_reconcile(started(), NOW + timedelta(seconds=1))
    assert not needs_no_reconcile(started(), NOW + timedelta(minutes=1))
    assert needs_no_reconcile(running(), LATER)
    assert not needs_no_reconcile(running(spec={"cancel": True}), LATER)
    assert not needs_no_reconcile(finished(), LATER)
    assert not needs_no_reconcile(run(deletionTimestamp="2026-01-02T03:04:00Z", finalizers=[FINALIZER]), NOW)


def test_labels_that_were_lost_are_put_back() -> None:
    stripped = run()
    bare = replace(stripped, labels={})
    assert next_for(bare) == actions.Adopt()
