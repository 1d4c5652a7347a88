"""The state of a run's checks, which the console shows, is read from GitHub when an event of a check arrives.

| event                                                        | expected                                          |
|--------------------------------------------------------------|---------------------------------------------------|
| a check or a commit status of the branch's last commit       | counts and failures; our own check is left out    |
| late, twice, in any order, handled by two functions at once  | the state that GitHub shows now                   |
| about an earlier commit or another repository's branch       | ignored                                           |
| after the branch was deleted                                 | recorded for the last attempt's commit            |
| GitHub denies statuses, or fails                             | the checks alone; redelivered, or logged          |
| hundreds of failures with long names                         | ten names, cut                                    |
"""

import re
from dataclasses import replace
from typing import Any

import pytest

from functions.chatops import run_requests
from functions.runs.model.run import Run
from functions.runs.model.status import Checks, RunStatus
from functions.views import details
from tests.github.delivery_bench import Object, Stage
from tests.support.builders import UID
from tests.support.github import payloads
from tests.support.github.calls import Reply
from tests.support.github.troubles import Failure

COMMIT, NEXT = "d" * 40, "e" * 40


def finished(stage: Stage) -> Run:
    """Return a run whose attempt pushed COMMIT."""
    run, _ = stage.with_pull(commit=COMMIT)
    stage.configure("retryOn: []")
    stage.shop.branches[run.status.branch or ""] = COMMIT
    return run


def check(stage: Stage, run: Run, conclusion: str | None = "success", **more: Any) -> Object:
    """Return a check of the run's branch, on GitHub and as an event."""
    state = {"status": "completed" if conclusion else "in_progress", "conclusion": conclusion}
    payload = payloads.check_run(stage.shop, run.status.branch or "", **{"head_sha": COMMIT, **state, **more})
    stage.shop.checks[payload["check_run"]["id"]] = payload["check_run"]
    return payload


def recorded(stage: Stage, payload: Object, event: str = "check_run", code: int = 204) -> Checks | None:
    assert stage.deliver(event, payload).code == code
    return stage.run().status.checks


def test_checks_and_statuses_of_the_last_commit_are_counted(stage: Stage) -> None:
    run = finished(stage)
    check(stage, run, name="types"), check(stage, run, "skipped", name="docs"), check(stage, run, None, name="slow")
    check(stage, run, None, name="orchestrator", external_id=UID)
    check(stage, run, "cancelled", name="images")
    payload = check(stage, run, "failure", name="lint")
    assert recorded(stage, payload) == Checks(commit=COMMIT, passed=2, failed=2, running=1, failures=["images", "lint"])
    for state, context in (("pending", "ci/slow"), ("error", "ci/old"), ("success", "ci/new")):
        found = recorded(stage, payloads.status(stage.shop, run.status.branch or "", COMMIT, state, context), "status")
    assert found == Checks(commit=COMMIT, passed=3, failed=3, running=2, failures=["ci/old", "images", "lint"])
    shown = f"3 passed, 2 running, 3 failed (ci/old, images, lint) on {COMMIT[:7]}"
    assert details.checks(stage.run()) == shown
    assert shown in details.sheet(stage.run(), None, stage.clock())


def test_events_in_any_order_leave_what_github_shows(stage: Stage) -> None:
    run = finished(stage)
    failed = check(stage, run, "failure", name="lint")
    passed = check(stage, run, name="lint")
    for payload in (passed, failed, passed):
        assert recorded(stage, payload) == Checks(commit=COMMIT, passed=1)
    version = stage.run().resource_version
    recorded(stage, failed)
    assert stage.run().resource_version == version, "an unchanged state is not written again"


def test_a_conflicting_write_of_checks_reads_github_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished(stage)
    first, write = check(stage, run, name="lint"), stage.services.runs.write_status

    def overtaken(run: Run, status: Any) -> Run:
        """Have another function write a newer state after this one has read GitHub."""
        monkeypatch.undo()
        assert recorded(stage, check(stage, run, "failure", name="types")) is not None
        return write(run, status)

    monkeypatch.setattr(type(stage.services.runs), "write_status", lambda _, run, status: overtaken(run, status))
    assert recorded(stage, first) == Checks(commit=COMMIT, passed=1, failed=1, failures=["types"])


def test_an_event_of_an_earlier_commit_or_another_repository_is_not_recorded(stage: Stage) -> None:
    run = finished(stage)
    assert recorded(stage, check(stage, run, head_sha=NEXT)) is None
    elsewhere = stage.github.repository("acme/other")
    payload = payloads.check_run(elsewhere, run.status.branch or "", head_sha=COMMIT)
    assert recorded(stage, payload) is None


def test_checks_of_an_earlier_attempts_commit_are_not_shown(stage: Stage) -> None:
    run = finished(stage)
    recorded(stage, check(stage, run))
    assert details.checks(stage.run()) == f"1 passed on {COMMIT[:7]}"
    stage.ends(stage.reopened(stage.run()), commit=NEXT)
    assert details.checks(stage.run()) == ""


def test_checks_that_end_after_the_branch_was_deleted_are_recorded(stage: Stage) -> None:
    run = finished(stage)
    del stage.shop.branches[run.status.branch or ""]
    assert recorded(stage, check(stage, run, head_sha=NEXT)) is None
    assert recorded(stage, check(stage, run)) == Checks(commit=COMMIT, passed=1)


@pytest.mark.parametrize(
    ("calls", "status", "code", "expected"),
    [
        ("/status", 403, 204, Checks(commit=COMMIT, passed=1)),
        ("check-runs", 403, 204, None),
        ("check-runs", 502, 503, None),
    ],
)
def test_an_error_of_github_leaves_checks_unrecorded(
    stage: Stage, calls: str, status: int, code: int, expected: Checks | None
) -> None:
    run = finished(stage)
    stage.github.troubles.failures.append(Failure(re.compile(calls), Reply(status, {"message": "no"}), times=9))
    assert recorded(stage, check(stage, run), code=code) == expected


def test_names_of_failures_are_bounded(stage: Stage) -> None:
    run = finished(stage)
    for number in range(150):
        payload = check(stage, run, "failure", name=f"{number:03} \ud800{'x' * 500}")
    found = recorded(stage, payload)
    assert found
    assert (found.failed, len(found.failures), max(map(len, found.failures))) == (150, 10, 100)
    assert details.checks(stage.run()).endswith(f"x, ...) on {COMMIT[:7]}")


def test_a_run_with_an_unreadable_status_is_unchanged(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run, pull = stage.with_pull(commit=COMMIT)
    unread = replace(run, status=RunStatus(), status_error="usage.turns: is not a number")
    monkeypatch.setattr(run_requests, "find_by_branch", lambda *_: unread)
    stage.deliver("check_run", check(stage, run))
    stage.deliver("pull_request", payloads.pull_request(stage.shop, pull["number"], "opened"))
    assert stage.run().resource_version == run.resource_version
