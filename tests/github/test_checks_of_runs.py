"""The state of a run's checks, which the console shows, is read from GitHub when an event of a check arrives."""

import re
from dataclasses import replace
from typing import Any

import pytest

from functions.chatops import run_requests
from functions.runs.model.run import Run
from functions.runs.model.status import Checks, RunStatus
from functions.views import details
from tests.github.delivery_bench import DeliveryBench, Object
from tests.support.builders import UID
from tests.support.github import payloads
from tests.support.github.calls import Reply
from tests.support.github.troubles import Failure

COMMIT, NEXT = "d" * 40, "e" * 40


def finished(bench: DeliveryBench) -> Run:
    """Return a run whose attempt pushed COMMIT."""
    run, _ = bench.with_pull(commit=COMMIT)
    bench.configure("retryOn: []")
    bench.shop.branches[run.status.branch or ""] = COMMIT
    return run


def check(bench: DeliveryBench, run: Run, conclusion: str | None = "success", **more: Any) -> Object:
    """Return a check of the run's branch, on GitHub and as an event."""
    state = {"status": "completed" if conclusion else "in_progress", "conclusion": conclusion}
    payload = payloads.check_run(bench.shop, run.status.branch or "", **{"head_sha": COMMIT, **state, **more})
    bench.shop.checks[payload["check_run"]["id"]] = payload["check_run"]
    return payload


def recorded(bench: DeliveryBench, payload: Object, event: str = "check_run", code: int = 204) -> Checks | None:
    assert bench.deliver(event, payload).code == code
    return bench.run().status.checks


def test_checks_and_statuses_of_the_last_commit_are_counted(bench: DeliveryBench) -> None:
    run = finished(bench)
    check(bench, run, name="types"), check(bench, run, "skipped", name="docs"), check(bench, run, None, name="slow")
    check(bench, run, None, name="orchestrator", external_id=UID)
    check(bench, run, "cancelled", name="images")
    payload = check(bench, run, "failure", name="lint")
    assert recorded(bench, payload) == Checks(commit=COMMIT, passed=2, failed=2, running=1, failures=["images", "lint"])
    for state, context in (("pending", "ci/slow"), ("error", "ci/old"), ("success", "ci/new")):
        found = recorded(bench, payloads.status(bench.shop, run.status.branch or "", COMMIT, state, context), "status")
    assert found == Checks(commit=COMMIT, passed=3, failed=3, running=2, failures=["ci/old", "images", "lint"])
    shown = f"3 passed, 2 running, 3 failed (ci/old, images, lint) on {COMMIT[:7]}"
    assert details.checks(bench.run()) == shown
    assert shown in details.sheet(bench.run(), None, bench.clock())


def test_events_in_any_order_leave_what_github_shows(bench: DeliveryBench) -> None:
    run = finished(bench)
    failed = check(bench, run, "failure", name="lint")
    passed = check(bench, run, name="lint")
    for payload in (passed, failed, passed):
        assert recorded(bench, payload) == Checks(commit=COMMIT, passed=1)
    version = bench.run().resource_version
    recorded(bench, failed)
    assert bench.run().resource_version == version, "an unchanged state is not written again"


def passed(bench: DeliveryBench, payload: Object) -> Object:
    """Let a running check pass, on GitHub and as an event."""
    ended = payload["check_run"] | {"status": "completed", "conclusion": "success"}
    bench.shop.checks[ended["id"]] = ended
    return payload | {"check_run": ended}


def test_many_checks_that_pass_take_few_requests_of_github(bench: DeliveryBench) -> None:
    run = finished(bench)
    waiting = [check(bench, run, None, name=f"test {number}") for number in range(30)]
    asked = len(bench.github.calls)
    for number, payload in enumerate(waiting, 1):
        found = recorded(bench, passed(bench, payload))
        assert found == Checks(commit=COMMIT, passed=number, running=30 - number)
    assert len([call for call in bench.github.calls[asked:] if call.method == "GET"]) <= 9, "three looks"


def test_many_statuses_take_few_requests_of_github(bench: DeliveryBench) -> None:
    run = finished(bench)

    def decided(state: str, number: int) -> Checks | None:
        payload = payloads.status(bench.shop, run.status.branch or "", COMMIT, state, f"ci/{number}")
        return recorded(bench, payload, "status")

    asked = len(bench.github.calls)
    assert [decided("pending", number) for number in range(30)] == [None] * 30
    for number in range(30):
        assert decided("success", number) == Checks(commit=COMMIT, passed=number + 1, running=29 - number)
    assert len([call for call in bench.github.calls[asked:] if call.method == "GET"]) <= 9, "three looks"


def test_deliveries_that_come_twice_are_counted_right_in_the_end(bench: DeliveryBench) -> None:
    run = finished(bench)
    for payload in [check(bench, run, None, name=f"test {number}") for number in range(6)]:
        for _ in range(3):
            found = recorded(bench, passed(bench, payload))
    assert found == Checks(commit=COMMIT, passed=6)


def test_a_conflicting_write_of_checks_reads_github_again(
    bench: DeliveryBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(bench)
    first, write = check(bench, run, name="lint"), bench.services.runs.write_status

    def overtaken(run: Run, status: Any) -> Run:
        """Have another function write a newer state after this one has read GitHub."""
        monkeypatch.undo()
        assert recorded(bench, check(bench, run, "failure", name="types")) is not None
        return write(run, status)

    monkeypatch.setattr(type(bench.services.runs), "write_status", lambda _, run, status: overtaken(run, status))
    assert recorded(bench, first) == Checks(commit=COMMIT, passed=1, failed=1, failures=["types"])


def test_an_event_of_an_earlier_commit_or_another_repository_is_not_recorded(bench: DeliveryBench) -> None:
    run = finished(bench)
    assert recorded(bench, check(bench, run, head_sha=NEXT)) is None
    elsewhere = bench.github.repository("acme/other")
    payload = payloads.check_run(elsewhere, run.status.branch or "", head_sha=COMMIT)
    assert recorded(bench, payload) is None


def test_checks_of_an_earlier_attempts_commit_are_not_shown(bench: DeliveryBench) -> None:
    run = finished(bench)
    recorded(bench, check(bench, run))
    assert details.checks(bench.run()) == f"1 passed on {COMMIT[:7]}"
    bench.ends(bench.reopened(bench.run()), commit=NEXT)
    assert details.checks(bench.run()) == ""


def test_checks_that_end_after_the_branch_was_deleted_are_recorded(bench: DeliveryBench) -> None:
    run = finished(bench)
    del bench.shop.branches[run.status.branch or ""]
    assert recorded(bench, check(bench, run, head_sha=NEXT)) is None
    assert recorded(bench, check(bench, run)) == Checks(commit=COMMIT, passed=1)


@pytest.mark.parametrize(
    ("calls", "status", "code", "expected"),
    [
        ("/status", 403, 204, Checks(commit=COMMIT, passed=1)),
        ("check-runs", 403, 204, None),
        ("check-runs", 502, 503, None),
    ],
)
def test_an_error_of_github_leaves_checks_unrecorded(
    bench: DeliveryBench, calls: str, status: int, code: int, expected: Checks | None
) -> None:
    run = finished(bench)
    bench.github.troubles.failures.append(Failure(re.compile(calls), Reply(status, {"message": "no"}), times=9))
    assert recorded(bench, check(bench, run), code=code) == expected


def test_names_of_failures_are_bounded(bench: DeliveryBench) -> None:
    run = finished(bench)
    for number in range(150):
        payload = check(bench, run, "failure", name=f"{number:03} \ud800{'x' * 500}")
    found = recorded(bench, payload)
    assert found
    assert (found.failed, len(found.failures), max(map(len, found.failures))) == (150, 10, 100)
    assert details.checks(bench.run()).endswith(f"x, ...) on {COMMIT[:7]}")


def test_a_run_with_an_unreadable_status_is_unchanged(bench: DeliveryBench, monkeypatch: pytest.MonkeyPatch) -> None:
    run, pull = bench.with_pull(commit=COMMIT)
    unread = replace(run, status=RunStatus(), status_error="usage.turns: is not a number")
    monkeypatch.setattr(run_requests, "find_by_branch", lambda *_: unread)
    bench.deliver("check_run", check(bench, run))
    answer = bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened"))
    assert answer.code == 503, "a redelivery reaches the version that wrote it"
    assert bench.run().resource_version == run.resource_version
