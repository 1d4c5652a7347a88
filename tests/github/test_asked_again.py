"""Redelivered commands: by another hook, late, or after the run was deleted."""

from dataclasses import replace

import pytest

from functions.cluster.kinds import RUNS
from functions.reconciler.reconciler import reconcile
from functions.runs.lifecycle.states import State
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.run import Run
from functions.settings.access import AccessSettings
from tests.github.delivery_bench import DeliveryBench, Object
from tests.support.github import payloads


def again(bench: DeliveryBench, number: int = -1) -> None:
    """Deliver the event once more, under another delivery id."""
    assert bench.take(replace(bench.queue[number], id="another hook")).code == 204


def asked(bench: DeliveryBench, number: int, command: str) -> Run:
    """Request a run on an issue, and return it."""
    known = {run.uid for run in bench.runs()}
    assert bench.comment(number, command).code == 204
    (made,) = (run for run in bench.runs() if run.uid not in known)
    return made


def deleted(bench: DeliveryBench, run: Run) -> None:
    """Delete the run, with its finalizer removed."""
    found = bench.now(run)
    bench.world.kubelet.delete(RUNS[run.kind], run.namespace, run.name, run.uid)
    reconcile(bench.services, found.kind, found.namespace, found.name)


def labeled(bench: DeliveryBench, number: int, name: str) -> Object:
    return payloads.issue(bench.shop, number, "labeled", label={"name": name})


# Another run was requested since ------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["comment", "label"])
def test_a_redelivered_cancel_stops_no_later_run(bench: DeliveryBench, by: str) -> None:
    bench.configure("labels: {stop: /cancel}")
    first, number = bench.asked_for()
    payload = labeled(bench, number, "stop") if by == "label" else bench.commented(number, "/cancel")
    bench.clock.later(minutes=1)
    if by == "label":
        payload["issue"]["updated_at"] = bench.shop.place.now()
    event = "issues" if by == "label" else "issue_comment"
    assert bench.deliver(event, payload).code == 204
    bench.ends(bench.now(first), State.CANCELLED)
    bench.clock.later(minutes=1)
    second = asked(bench, number, "/code 4 service=web")
    again(bench, -2)
    assert (bench.now(first).cancel, bench.now(second).cancel) == (True, False)
    assert bench.answers(number) == []


def test_a_redelivered_retry_applies_to_no_later_run(bench: DeliveryBench) -> None:
    first, number = bench.asked_for()
    bench.ends(first)
    bench.comment(number, "/retry with other words")
    second = bench.ends(asked(bench, number, "/code 4 service=web"))
    again(bench, -2)
    assert [bench.retries(run) for run in (first, second)] == [1, 0]


@pytest.mark.parametrize(
    ("commands", "cancelled"),
    [("/cancel\n/code 4 service=web", (True, False)), ("/code 4 service=web\n/cancel", (False, True))],
)
def test_a_cancel_stops_the_run_that_precedes_it(
    bench: DeliveryBench, commands: str, cancelled: tuple[bool, bool]
) -> None:
    first, number = bench.asked_for()
    second = asked(bench, number, commands)
    again(bench)
    assert (bench.now(first).cancel, bench.now(second).cancel) == cancelled


@pytest.mark.parametrize("command", ["/cancel", "/status"])
def test_a_late_command_applies_to_the_run_at_the_time_of_the_comment(bench: DeliveryBench, command: str) -> None:
    first, number = bench.asked_for()
    bench.github.hook.deliver("issue_comment", bench.commented(number, command))
    second = asked(bench, number, "/code 4 service=web")
    again(bench, -2)
    assert not bench.now(second).cancel
    assert bench.now(first).cancel == (command == "/cancel")
    assert [first.name in answer for answer in bench.answers(number)] == [True] * (command == "/status")


def test_the_latest_run_is_the_last_requested_not_the_last_created(bench: DeliveryBench) -> None:
    number = bench.issue()
    for command in ("/code 1 service=api", "/code 2 service=api", "/cancel"):
        bench.github.hook.deliver("issue_comment", bench.commented(number, command))
    for event in (bench.queue[1], bench.queue[0], bench.queue[2]):
        bench.take(event)
    tasks = {run.spec.task_id: run.cancel for run in bench.runs() if isinstance(run.spec, CodeRunSpec)}
    assert tasks == {1: False, 2: True}


def test_a_redelivered_cancel_does_not_stop_a_run_created_after_it(
    bench: DeliveryBench,
) -> None:
    first, number = bench.asked_for()
    for command in ("/code 4 service=web", "/cancel"):
        bench.github.hook.deliver("issue_comment", bench.commented(number, command))
    for event in (bench.queue[-1], bench.queue[-2], bench.queue[-1]):
        assert bench.take(event).code == 204
    assert [run.uid for run in bench.runs() if run.cancel] == [first.uid]


@pytest.mark.parametrize("at", [None, "soon", "2026-01-02T03:04:05"])
def test_a_comment_without_time_applies_to_the_last_run_and_no_later_one(bench: DeliveryBench, at: str | None) -> None:
    first, number = bench.asked_for()
    payload = bench.commented(number, "/cancel")
    payload["comment"]["created_at"] = at
    assert bench.deliver("issue_comment", payload).code == 204
    second = asked(bench, number, "/code 4 service=web")
    again(bench, -2)
    assert (bench.now(first).cancel, bench.now(second).cancel) == (True, False)


def test_a_redelivered_review_command_applies_to_no_later_run(bench: DeliveryBench) -> None:
    number = bench.shop.open_pull("feature")["number"]
    first = asked(bench, number, "/code 3 service=api")
    assert bench.deliver("pull_request_review", payloads.review(bench.shop, number, "commented", "/cancel")).code == 204
    bench.clock.later(seconds=1)
    second = asked(bench, number, "/code 4 service=web")
    again(bench, -2)
    assert (bench.now(first).cancel, bench.now(second).cancel) == (True, False)


# The run is deleted -------------------------------------------------------------------------------------------------


def test_a_redelivered_cancel_of_a_deleted_run_stops_no_other(bench: DeliveryBench) -> None:
    first, number = bench.asked_for()
    second = asked(bench, number, "/code 4 service=web")
    bench.comment(number, "/cancel")
    deleted(bench, second)
    third = asked(bench, number, "/code 5 service=web")
    again(bench, -2)
    assert [bench.now(run).cancel for run in (first, third)] == [False, False]
    assert bench.answers(number) == []


def test_a_redelivered_retry_of_a_deleted_run_retries_no_other(bench: DeliveryBench) -> None:
    run, pull = bench.with_pull()
    other = bench.ends(asked(bench, pull["number"], "/code 4 service=web"))
    bench.comment(pull["number"], "/retry use the other library")
    assert [bench.retries(known) for known in (run, other)] == [1, 0]
    deleted(bench, run)
    again(bench)
    assert bench.retries(other) == 0


def test_a_redelivered_command_without_runs_gets_no_reply(bench: DeliveryBench) -> None:
    run, number = bench.asked_for()
    bench.comment(number, "/cancel")
    deleted(bench, run)
    again(bench)
    assert bench.answers(number) == []


def test_a_run_with_unreadable_request_keys_can_be_deleted(bench: DeliveryBench) -> None:
    run, _ = bench.asked_for()
    keys = {"agents.platform/applied-requests": "not/a key " + "f" * 400}
    bench.world.kubelet.patch(RUNS[run.kind], run.namespace, run.name, {"metadata": {"annotations": keys}})
    deleted(bench, run)
    assert bench.runs() == []


# The same run in a later state --------------------------------------------------------------------------------------


def test_a_redelivered_cancel_does_not_stop_a_retry_of_the_run(bench: DeliveryBench) -> None:
    run, number = bench.asked_for()
    bench.comment(number, "/cancel")
    bench.comment(number, "/cancel")
    bench.ends(bench.now(run), State.CANCELLED)
    bench.comment(number, "/retry")
    bench.reopened(bench.now(run))
    again(bench, -2)
    found = bench.run()
    assert (found.cancel, bench.retries(found)) == (False, 1)


# Refused commands ---------------------------------------------------------------------------------------------------


def test_a_refused_command_creates_no_run_when_redelivered(bench: DeliveryBench) -> None:
    number = bench.issue()
    bench.configure("service: [bad")
    bench.comment(number, "/code 3 service=api")
    (answer,) = bench.answers(number)
    assert "is not valid" in answer
    bench.configure("")
    again(bench)
    assert bench.runs() == []
    assert bench.answers(number) == [answer]


def test_a_refused_label_creates_no_run_when_redelivered(bench: DeliveryBench) -> None:
    bench.configure("labels: {document: /docs}")
    allowed = bench.services
    denied = AccessSettings.model_validate({"callers": {"github:somebody": {"agents": ["*"]}}})
    settings = allowed.settings.model_copy(update={"access": denied})
    bench.services = replace(allowed, settings=settings)
    number = bench.issue()
    bench.deliver("issues", labeled(bench, number, "document"))
    bench.services = allowed
    again(bench)
    assert bench.runs() == []
    assert len(bench.answers(number)) == 1


def test_a_review_during_an_attempt_starts_one_attempt_after_it(bench: DeliveryBench) -> None:
    run, pull = bench.with_pull()
    bench.comment(pull["number"], "/retry")
    review = payloads.review(bench.shop, pull["number"], "changes_requested", "no")
    assert bench.deliver("pull_request_review", review).code == 204
    assert bench.answers(pull["number"]) == []
    assert bench.retries(run) == 1
    bench.ends(bench.reopened(bench.now(run)))
    for _ in range(2):
        again(bench)
    assert bench.retries(run) == 2
    assert bench.answers(pull["number"]) == []


def test_commands_work_without_permission_to_read_comments(bench: DeliveryBench) -> None:
    run, number = bench.asked_for()
    bench.github.fails("GET .*/comments", 403, times=9, body={"message": "Resource not accessible by integration"})
    assert bench.comment(number, "/cancel").code == 204
    assert bench.now(run).cancel
