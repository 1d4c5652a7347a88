"""What people asked of a run, and what comes again of it: by another hook, late, after the run was deleted.

| comes again                                       | by then                                | result              |
|---------------------------------------------------|----------------------------------------|---------------------|
| /cancel, /retry, by comment, review, label        | another run was asked for              | nothing             |
| /cancel and /code in one comment, by two hooks    | the first delivery made a run          | nothing             |
| /cancel, /retry                                   | its run is deleted, others are there   | nothing             |
| /cancel of a run that stops already               | a person had that one retried          | nothing             |
| a command that was refused                        | it would be taken                      | nothing             |
| for the first time, late                          | another run was asked for              | the one meant then  |
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
    """The delivery comes once more, by another hook."""
    assert stage.take(replace(stage.queue[number], id="another hook")).code == 204


def asked(stage: Stage, number: int, command: str) -> Run:
    """The run that a person requests on an issue."""
    known = {run.uid for run in stage.runs()}
    assert stage.comment(number, command).code == 204
    (made,) = (run for run in stage.runs() if run.uid not in known)
    return made


def deleted(stage: Stage, run: Run) -> None:
    """It is gone, by way of the finalizer."""
    found = stage.now(run)
    stage.world.kubelet.delete(RUNS[run.kind], run.namespace, run.name, run.uid)
    reconcile(stage.services, found.kind, found.namespace, found.name)


def attempts_asked(run: Run) -> int:
    assert isinstance(run.spec, CodeRunSpec)
    return run.spec.context_version


def labeled(stage: Stage, number: int, name: str) -> Object:
    return payloads.issue(stage.shop, number, "labeled", label={"name": name})


# Another run was asked for since ------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["comment", "label"])
def test_a_cancel_stops_no_run_that_was_asked_for_later(stage: Stage, by: str) -> None:
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


def test_a_retry_is_of_no_run_that_was_asked_for_later(stage: Stage) -> None:
    first, number = stage.asked_for()
    stage.ends(first)
    stage.comment(number, "/retry with other words")
    second = stage.ends(asked(stage, number, "/code 4 service=web"))
    again(stage, -2)
    assert [attempts_asked(stage.now(run)) for run in (first, second)] == [2, 1]


def test_a_comment_by_two_hooks_stops_no_run_that_it_asks_for_itself(stage: Stage) -> None:
    first, number = stage.asked_for()
    second = asked(stage, number, "/cancel\n/code 4 service=web")
    again(stage)
    assert (stage.now(first).cancel, stage.now(second).cancel) == (True, False)


def test_a_run_asked_for_in_a_comment_is_stopped_further_down_in_it(stage: Stage) -> None:
    first, number = stage.asked_for()
    second = asked(stage, number, "/code 4 service=web\n/cancel")
    again(stage)
    assert (stage.now(first).cancel, stage.now(second).cancel) == (False, True)


@pytest.mark.parametrize("command", ["/cancel", "/status"])
def test_what_comes_late_is_about_the_run_that_was_meant(stage: Stage, command: str) -> None:
    first, number = stage.asked_for()
    stage.github.hook.deliver("issue_comment", stage.commented(number, command))
    second = asked(stage, number, "/code 4 service=web")
    again(stage, -2)
    assert not stage.now(second).cancel
    assert stage.now(first).cancel == (command == "/cancel")
    assert [first.name in answer for answer in stage.answers(number)] == [True] * (command == "/status")


def test_runs_that_are_made_in_another_order_are_meant_in_the_order_they_were_asked_for(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    for command in ("/code 1 service=api", "/code 2 service=api", "/cancel"):
        stage.github.hook.deliver("issue_comment", stage.commented(number, command))
    for event in (stage.queue[1], stage.queue[0], stage.queue[2]):
        stage.take(event)
    tasks = {run.spec.task_id: run.cancel for run in stage.runs() if isinstance(run.spec, CodeRunSpec)}
    assert tasks == {1: False, 2: True}


def test_a_cancel_that_was_done_is_not_done_to_a_run_that_was_asked_for_before_it_and_made_after(
    stage: Stage,
) -> None:
    first, number = stage.asked_for()
    for command in ("/code 4 service=web", "/cancel"):
        stage.github.hook.deliver("issue_comment", stage.commented(number, command))
    for event in (stage.queue[-1], stage.queue[-2], stage.queue[-1]):
        assert stage.take(event).code == 204
    assert [run.uid for run in stage.runs() if run.cancel] == [first.uid]


@pytest.mark.parametrize("at", [None, "soon", "2026-01-02T03:04:05"])
def test_where_github_does_not_say_when_the_last_run_is_meant_and_still_no_other_later(
    stage: Stage, at: str | None
) -> None:
    first, number = stage.asked_for()
    payload = stage.commented(number, "/cancel")
    payload["comment"]["created_at"] = at
    assert stage.deliver("issue_comment", payload).code == 204
    second = asked(stage, number, "/code 4 service=web")
    again(stage, -2)
    assert (stage.now(first).cancel, stage.now(second).cancel) == (True, False)


def test_a_review_with_a_command_is_of_no_run_that_was_asked_for_later(stage: Stage) -> None:
    number = stage.shop.open_pull("feature")["number"]
    first = asked(stage, number, "/code 3 service=api")
    assert stage.deliver("pull_request_review", payloads.review(stage.shop, number, "commented", "/cancel")).code == 204
    stage.clock.later(seconds=1)
    second = asked(stage, number, "/code 4 service=web")
    again(stage, -2)
    assert (stage.now(first).cancel, stage.now(second).cancel) == (True, False)


# Its run is gone ----------------------------------------------------------------------------------------------------


def test_what_was_asked_of_a_run_that_is_deleted_is_asked_of_no_other(stage: Stage) -> None:
    first, number = stage.asked_for()
    second = asked(stage, number, "/code 4 service=web")
    stage.comment(number, "/cancel")
    deleted(stage, second)
    third = asked(stage, number, "/code 5 service=web")
    again(stage, -2)
    assert [stage.now(run).cancel for run in (first, third)] == [False, False]
    assert stage.answers(number) == []


def test_what_was_asked_of_a_run_whose_pull_request_it_is_is_asked_of_no_other(stage: Stage) -> None:
    run, pull = stage.with_pull()
    other = stage.ends(asked(stage, pull["number"], "/code 4 service=web"))
    stage.comment(pull["number"], "/retry use the other library")
    assert [attempts_asked(stage.now(each)) for each in (run, other)] == [2, 1]
    deleted(stage, run)
    again(stage)
    assert attempts_asked(stage.now(other)) == 1


def test_where_every_run_is_deleted_what_comes_again_is_not_answered(stage: Stage) -> None:
    run, number = stage.asked_for()
    stage.comment(number, "/cancel")
    deleted(stage, run)
    again(stage)
    assert stage.answers(number) == []


def test_unreadable_keys_keep_no_run_from_being_deleted(stage: Stage) -> None:
    run, _ = stage.asked_for()
    keys = {"agents.platform/applied-requests": "not/a key " + "f" * 400}
    stage.world.kubelet.patch(RUNS[run.kind], run.namespace, run.name, {"metadata": {"annotations": keys}})
    deleted(stage, run)
    assert stage.runs() == []


# The same run, as it is later ---------------------------------------------------------------------------------------


def test_a_cancel_of_a_run_that_stops_already_does_not_stop_what_a_person_retries(stage: Stage) -> None:
    run, number = stage.asked_for()
    stage.comment(number, "/cancel")
    stage.comment(number, "/cancel")
    stage.ends(stage.now(run), State.CANCELLED)
    stage.comment(number, "/retry")
    stage.reopened(stage.now(run))
    again(stage, -2)
    found = stage.run()
    assert (found.cancel, attempts_asked(found)) == (False, 2)


# What was refused stays refused -------------------------------------------------------------------------------------


def test_a_command_that_was_refused_makes_no_run_once_it_would_be_taken(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    stage.configure("service: [bad")
    stage.comment(number, "/code 3 service=api")
    (answer,) = stage.answers(number)
    assert "is not valid" in answer
    stage.configure("")
    again(stage)
    assert stage.runs() == []
    assert stage.answers(number) == [answer]


def test_a_label_that_was_refused_makes_no_run_once_it_would_be_taken(stage: Stage) -> None:
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


def test_a_review_during_an_attempt_is_not_refused_and_starts_one_attempt_at_its_end(stage: Stage) -> None:
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


def test_without_the_right_to_read_comments_commands_are_served_all_the_same(stage: Stage) -> None:
    run, number = stage.asked_for()
    stage.github.fails("GET .*/comments", 403, times=9, body={"message": "Resource not accessible by integration"})
    assert stage.comment(number, "/cancel").code == 204
    assert stage.now(run).cancel
