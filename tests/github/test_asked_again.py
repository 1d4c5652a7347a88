"""Redelivered commands: by another hook, late, or after the run was deleted.

| redelivered                                       | meanwhile                              | expected            |
|---------------------------------------------------|----------------------------------------|---------------------|
| /cancel, /retry, by comment, review, label        | another run was requested              | nothing             |
| /cancel and /code in one comment, by two hooks    | the first delivery made a run          | nothing             |
| /cancel, /retry                                   | its run is deleted, others exist       | nothing             |
| /cancel of a run that stops already               | a person has retried it                | nothing             |
| a command that was refused                        | it would be accepted                   | nothing             |
| the first delivery, late                          | another run was requested              | the earlier run     |
"""

from dataclasses import replace

import pytest

from functions.cluster.kinds import RUNS
from functions.reconciler.reconciler import reconcile
from functions.runs.lifecycle.states import State
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.run import Run
from functions.settings.access import AccessSettings
from tests.github.delivery_bench import Object, Stage
from tests.support.github import payloads


def again(stage: Stage, number: int = -1) -> None:
    """Deliver the event once more, under another delivery id."""
    assert stage.take(replace(stage.queue[number], id="another hook")).code == 204


def asked(stage: Stage, number: int, command: str) -> Run:
    """Request a run on an issue, and return it."""
    known = {run.uid for run in stage.runs()}
    assert stage.comment(number, command).code == 204
    (made,) = (run for run in stage.runs() if run.uid not in known)
    return made


def deleted(stage: Stage, run: Run) -> None:
    """Delete the run, with its finalizer removed."""
    found = stage.now(run)
    stage.world.kubelet.delete(RUNS[run.kind], run.namespace, run.name, run.uid)
    reconcile(stage.services, found.kind, found.namespace, found.name)


def attempts_asked(run: Run) -> int:
    assert isinstance(run.spec, CodeRunSpec)
    return run.spec.context_version


def labeled(stage: Stage, number: int, name: str) -> Object:
    return payloads.issue(stage.shop, number, "labeled", label={"name": name})


# Another run was requested since ------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["comment", "label"])
def test_a_redelivered_cancel_stops_no_later_run(stage: Stage, by: str) -> None:
    stage.configure("labels: {stop: /cancel}")
    first, number = stage.asked_for()
    payload = labeled(stage, number, "stop") if by == "label" else stage.commented(number, "/cancel")
    stage.clock.later(minutes=1)
    if by == "label":
        payload["issue"]["updated_at"] = stage.shop.place.now()
    event = "issues" if by == "label" else "issue_comment"
    assert stage.deliver(event, payload).code == 204
    stage.ends(stage.now(first), State.CANCELLED)
    stage.clock.later(minutes=1)
    second = asked(stage, number, "/code 4 service=web")
    again(stage, -2)
    assert (stage.now(first).cancel, stage.now(second).cancel) == (True, False)
    assert stage.answers(number) == []


def test_a_redelivered_retry_applies_to_no_later_run(stage: Stage) -> None:
    first, number = stage.asked_for()
    stage.ends(first)
    stage.comment(number, "/retry with other words")
    second = stage.ends(asked(stage, number, "/code 4 service=web"))
    again(stage, -2)
    assert [attempts_asked(stage.now(run)) for run in (first, second)] == [2, 1]


def test_a_cancel_before_a_code_command_does_not_stop_the_new_run(stage: Stage) -> None:
    first, number = stage.asked_for()
    second = asked(stage, number, "/cancel\n/code 4 service=web")
    again(stage)
    assert (stage.now(first).cancel, stage.now(second).cancel) == (True, False)


def test_a_cancel_after_a_code_command_stops_the_new_run(stage: Stage) -> None:
    first, number = stage.asked_for()
    second = asked(stage, number, "/code 4 service=web\n/cancel")
    again(stage)
    assert (stage.now(first).cancel, stage.now(second).cancel) == (False, True)


@pytest.mark.parametrize("command", ["/cancel", "/status"])
def test_a_late_command_applies_to_the_run_at_the_time_of_the_comment(stage: Stage, command: str) -> None:
    first, number = stage.asked_for()
    stage.github.hook.deliver("issue_comment", stage.commented(number, command))
    second = asked(stage, number, "/code 4 service=web")
    again(stage, -2)
    assert not stage.now(second).cancel
    assert stage.now(first).cancel == (command == "/cancel")
    assert [first.name in answer for answer in stage.answers(number)] == [True] * (command == "/status")


def test_the_latest_run_is_the_last_requested_not_the_last_created(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    for command in ("/code 1 service=api", "/code 2 service=api", "/cancel"):
        stage.github.hook.deliver("issue_comment", stage.commented(number, command))
    for event in (stage.queue[1], stage.queue[0], stage.queue[2]):
        stage.take(event)
    tasks = {run.spec.task_id: run.cancel for run in stage.runs() if isinstance(run.spec, CodeRunSpec)}
    assert tasks == {1: False, 2: True}


def test_a_redelivered_cancel_does_not_stop_a_run_created_after_it(
    stage: Stage,
) -> None:
    first, number = stage.asked_for()
    for command in ("/code 4 service=web", "/cancel"):
        stage.github.hook.deliver("issue_comment", stage.commented(number, command))
    for event in (stage.queue[-1], stage.queue[-2], stage.queue[-1]):
        assert stage.take(event).code == 204
    assert [run.uid for run in stage.runs() if run.cancel] == [first.uid]


@pytest.mark.parametrize("at", [None, "soon", "2026-01-02T03:04:05"])
def test_a_comment_without_time_applies_to_the_last_run_and_no_later_one(stage: Stage, at: str | None) -> None:
    first, number = stage.asked_for()
    payload = stage.commented(number, "/cancel")
    payload["comment"]["created_at"] = at
    assert stage.deliver("issue_comment", payload).code == 204
    second = asked(stage, number, "/code 4 service=web")
    again(stage, -2)
    assert (stage.now(first).cancel, stage.now(second).cancel) == (True, False)


def test_a_redelivered_review_command_applies_to_no_later_run(stage: Stage) -> None:
    number = stage.shop.open_pull("feature")["number"]
    first = asked(stage, number, "/code 3 service=api")
    assert stage.deliver("pull_request_review", payloads.review(stage.shop, number, "commented", "/cancel")).code == 204
    stage.clock.later(seconds=1)
    second = asked(stage, number, "/code 4 service=web")
    again(stage, -2)
    assert (stage.now(first).cancel, stage.now(second).cancel) == (True, False)


# The run is deleted -------------------------------------------------------------------------------------------------


def test_a_redelivered_cancel_of_a_deleted_run_stops_no_other(stage: Stage) -> None:
    first, number = stage.asked_for()
    second = asked(stage, number, "/code 4 service=web")
    stage.comment(number, "/cancel")
    deleted(stage, second)
    third = asked(stage, number, "/code 5 service=web")
    again(stage, -2)
    assert [stage.now(run).cancel for run in (first, third)] == [False, False]
    assert stage.answers(number) == []


def test_a_redelivered_retry_of_a_deleted_run_retries_no_other(stage: Stage) -> None:
    run, pull = stage.with_pull()
    other = stage.ends(asked(stage, pull["number"], "/code 4 service=web"))
    stage.comment(pull["number"], "/retry use the other library")
    assert [attempts_asked(stage.now(each)) for each in (run, other)] == [2, 1]
    deleted(stage, run)
    again(stage)
    assert attempts_asked(stage.now(other)) == 1


def test_a_redelivered_command_without_runs_gets_no_reply(stage: Stage) -> None:
    run, number = stage.asked_for()
    stage.comment(number, "/cancel")
    deleted(stage, run)
    again(stage)
    assert stage.answers(number) == []


def test_a_run_with_unreadable_request_keys_can_be_deleted(stage: Stage) -> None:
    run, _ = stage.asked_for()
    keys = {"agents.platform/applied-requests": "not/a key " + "f" * 400}
    stage.world.kubelet.patch(RUNS[run.kind], run.namespace, run.name, {"metadata": {"annotations": keys}})
    deleted(stage, run)
    assert stage.runs() == []


# The same run in a later state --------------------------------------------------------------------------------------


def test_a_redelivered_cancel_does_not_stop_a_retry_of_the_run(stage: Stage) -> None:
    run, number = stage.asked_for()
    stage.comment(number, "/cancel")
    stage.comment(number, "/cancel")
    stage.ends(stage.now(run), State.CANCELLED)
    stage.comment(number, "/retry")
    stage.reopened(stage.now(run))
    again(stage, -2)
    found = stage.run()
    assert (found.cancel, attempts_asked(found)) == (False, 2)


# Refused commands ---------------------------------------------------------------------------------------------------


def test_a_refused_command_creates_no_run_when_redelivered(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    stage.configure("service: [bad")
    stage.comment(number, "/code 3 service=api")
    (answer,) = stage.answers(number)
    assert "is not valid" in answer
    stage.configure("")
    again(stage)
    assert stage.runs() == []
    assert stage.answers(number) == [answer]


def test_a_refused_label_creates_no_run_when_redelivered(stage: Stage) -> None:
    stage.configure("labels: {document: /docs}")
    allowed = stage.services
    denied = AccessSettings.model_validate({"callers": {"github:somebody": {"agents": ["*"]}}})
    settings = allowed.settings.model_copy(update={"access": denied})
    stage.services = replace(allowed, settings=settings)
    number = stage.shop.open_issue()["number"]
    stage.deliver("issues", labeled(stage, number, "document"))
    stage.services = allowed
    again(stage)
    assert stage.runs() == []
    assert len(stage.answers(number)) == 1


def test_a_review_during_an_attempt_starts_one_attempt_after_it(stage: Stage) -> None:
    run, pull = stage.with_pull()
    stage.comment(pull["number"], "/retry")
    review = payloads.review(stage.shop, pull["number"], "changes_requested", "no")
    assert stage.deliver("pull_request_review", review).code == 204
    assert stage.answers(pull["number"]) == []
    assert attempts_asked(stage.now(run)) == 2
    stage.ends(stage.reopened(stage.now(run)))
    for _ in range(2):
        again(stage)
    assert attempts_asked(stage.now(run)) == 3
    assert stage.answers(pull["number"]) == []


def test_commands_work_without_permission_to_read_comments(stage: Stage) -> None:
    run, number = stage.asked_for()
    stage.github.fails("GET .*/comments", 403, times=9, body={"message": "Resource not accessible by integration"})
    assert stage.comment(number, "/cancel").code == 204
    assert stage.now(run).cancel
