"""G5, G6, G9, G18: open feedback is read from GitHub's present state; one retry names all of it."""

from typing import Any

import pytest

from functions.runs.model.run import Run
from tests.github.delivery_bench import DeliveryBench, Object
from tests.support.github import payloads

COMMIT = "d" * 40


def failed(bench: DeliveryBench, run: Run, name: str = "tests", commit: str = COMMIT, **more: Any) -> Object:
    """Make a check fail on a commit; return its event."""
    payload = payloads.check_run(bench.shop, run.status.branch or branch(run), name=name, head_sha=commit, **more)
    bench.shop.checks[payload["check_run"]["id"]] = payload["check_run"]
    return payload


def branch(run: Run) -> str:
    return f"agents/{run.name}-{run.uid[:5]}"


def working(bench: DeliveryBench) -> Run:
    """Return a run whose open attempt has pushed a commit."""
    run = bench.begins(bench.asked_for()[0])
    bench.shop.branches[branch(run)] = COMMIT
    return run


def test_check_that_fails_during_an_attempt_causes_a_retry_at_its_end(bench: DeliveryBench) -> None:
    run = working(bench)
    for guid in ("a", "b"):
        assert bench.deliver("check_run", failed(bench, run), guid).code == 204
    assert bench.retries() == 0
    run = bench.ends(bench.now(run), commit=COMMIT)
    for _ in range(2):
        assert bench.report(run) == 204
    assert bench.retries() == 1
    assert f"The check tests failed on commit {COMMIT}" in bench.prompt()


def test_status_that_github_does_not_show_at_once_causes_a_retry(bench: DeliveryBench) -> None:
    run = working(bench)
    bench.deliver("status", payloads.status(bench.shop, branch(run), COMMIT))
    run = bench.ends(bench.now(run), commit=COMMIT)
    bench.github.fails("GET .*/commits/.*/status", 404)
    assert bench.report(run) == 503
    assert bench.report(run) == 204
    assert bench.retries() == 1


def test_report_does_not_wait_for_a_branch_that_is_deleted(bench: DeliveryBench) -> None:
    run = working(bench)
    bench.deliver("check_run", failed(bench, run))
    run = bench.ends(bench.now(run), commit=COMMIT)
    bench.github.fails("GET .*/git/ref/heads/", 404)
    assert bench.report(run) == 204
    assert bench.retries() == 0


def test_report_does_not_wait_for_a_reviewer_who_is_gone(bench: DeliveryBench) -> None:
    run, pull = bench.with_pull(commit=COMMIT)
    bench.shop.branches[branch(run)] = COMMIT
    bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened"))
    bench.deliver("check_run", failed(bench, run))
    run = bench.reopened(bench.now(run))
    review = payloads.review(bench.shop, pull["number"], "changes_requested", "not like this", "ghost")
    bench.shop.reviews[pull["number"]] = [review["review"]]
    bench.deliver("check_run", failed(bench, run, "lint"))
    run = bench.ends(bench.now(run), commit=COMMIT)
    bench.github.fails("GET .*/collaborators/ghost/permission", 404)
    assert bench.report(run) == 204
    assert "which is the limit" in bench.answers(pull["number"])[-1], "the other feedback was looked up"


def test_failed_status_waits_for_checks_that_github_does_not_show_at_once(bench: DeliveryBench) -> None:
    run, _ = bench.with_pull(commit=COMMIT)
    bench.shop.branches[run.status.branch or ""] = COMMIT
    failed(bench, run)
    status = bench.queued("status", payloads.status(bench.shop, run.status.branch or "", COMMIT))
    bench.github.fails("GET .*/commits/.*/check-runs", 404)
    assert bench.take(status).code == 503
    assert bench.take(status).code == 204
    assert "The check tests failed" in bench.prompt()


def test_feedback_resolved_before_the_attempt_ends_starts_nothing(bench: DeliveryBench) -> None:
    run = working(bench)
    payload = failed(bench, run)
    bench.deliver("check_run", payload)
    bench.shop.checks[payload["check_run"]["id"]] |= {"conclusion": "success"}
    run = bench.ends(bench.now(run), commit=COMMIT)
    assert bench.report(run) == 204
    assert bench.retries() == 0


@pytest.mark.parametrize("first", ["check", "status", "review"])
def test_one_retry_names_all_feedback_in_any_order_of_events(bench: DeliveryBench, first: str) -> None:
    run, pull = bench.with_pull(commit=COMMIT)
    bench.shop.branches[branch(run)] = COMMIT
    bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened"))
    checks = [failed(bench, run, name) for name in ("tests", "lint", "types", "docs")]
    bench.shop.annotations[checks[1]["check_run"]["id"]] = [
        {"path": "shop.py", "start_line": 7, "message": "unused import", "annotation_level": "failure"}
    ]
    checks[1]["check_run"]["output"]["annotations_count"] = 1
    status = payloads.status(bench.shop, branch(run), COMMIT, context="ci/old")
    review = payloads.review(bench.shop, pull["number"], "changes_requested", "use the other library")
    bench.shop.reviews[pull["number"]] = [review["review"]]
    events = [*(("check_run", check) for check in checks), ("status", status), ("pull_request_review", review)]
    events.sort(key=lambda item: not item[0].endswith(first) and not item[0].startswith(first))
    for name, payload in events:
        assert bench.deliver(name, payload).code == 204
    assert bench.retries() == 1
    for words in ("check tests", "check lint", "check types", "check docs", "check ci/old", "use the other library"):
        assert words in bench.prompt()
    assert "shop.py:7: unused import" in bench.prompt()
    assert bench.answers(pull["number"]) == []


@pytest.mark.parametrize(
    ("conclusion", "counts"),
    [
        ("failure", True),
        ("timed_out", True),
        ("startup_failure", True),
        ("action_required", True),
        ("cancelled", False),
        ("stale", False),
        ("neutral", False),
        ("skipped", False),
        ("success", False),
    ],
)
def test_each_failed_conclusion_of_github_counts_as_failure(
    bench: DeliveryBench, conclusion: str, counts: bool
) -> None:
    run, _ = bench.with_pull(commit=COMMIT)
    assert bench.deliver("check_run", failed(bench, run, conclusion=conclusion)).code == 204
    assert bench.retries() == int(counts)


def test_failed_check_on_a_persons_commit_causes_a_retry(bench: DeliveryBench) -> None:
    run, _ = bench.with_pull(commit=COMMIT)
    theirs = "e" * 40
    bench.shop.branches[branch(run)] = theirs
    assert bench.deliver("check_run", failed(bench, run, commit=theirs)).code == 204
    assert bench.retries() == 1
    assert f"on commit {theirs}" in bench.prompt()


def test_answered_change_request_is_not_open(bench: DeliveryBench) -> None:
    run, pull = bench.with_pull(commit=COMMIT)
    bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened"))
    asked, approved = (
        payloads.review(bench.shop, pull["number"], state, "")["review"] for state in ("changes_requested", "approved")
    )
    stranger = payloads.review(bench.shop, pull["number"], "changes_requested", "mine mine", "mallory")["review"]
    bench.shop.reviews[pull["number"]] = [asked, approved, stranger]
    bench.deliver("check_run", failed(bench, run))
    assert "review" not in bench.prompt()


def test_review_of_a_bot_delays_no_retry(bench: DeliveryBench) -> None:
    run, pull = bench.with_pull(commit=COMMIT)
    bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened"))
    by_bot = payloads.review(bench.shop, pull["number"], "changes_requested", "a nit", "linter[bot]")
    bench.shop.reviews[pull["number"]] = [by_bot["review"]]
    assert bench.deliver("check_run", failed(bench, run, completed_at=bench.shop.place.now())).code == 204
    assert bench.retries() == 1
    assert "a nit" not in bench.prompt()


@pytest.mark.parametrize("kind", ["check_run", "status", "pull_request_review"])
@pytest.mark.parametrize("fails_again", [False, True])
def test_event_of_superseded_feedback_leads_to_what_is_still_open(
    bench: DeliveryBench, kind: str, fails_again: bool
) -> None:
    run, pull = bench.with_pull(commit=COMMIT)
    bench.shop.branches[branch(run)] = COMMIT
    bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened"))
    deliveries = []
    for is_last in (False, True):
        fails = fails_again or not is_last
        if kind == "check_run":
            made = failed(bench, run, conclusion="failure" if fails else "success")
        elif kind == "status":
            made = payloads.status(bench.shop, branch(run), COMMIT, "failure" if fails else "success")
        else:
            state = "changes_requested" if fails else "approved"
            made = payloads.review(bench.shop, pull["number"], state, f"verdict {is_last}")
            bench.shop.reviews.setdefault(pull["number"], []).append(made["review"])
        deliveries.append(bench.queued(kind, made))
    bench.clock.later(hours=70)
    assert bench.take(deliveries[0]).code == 204
    assert bench.retries() == int(fails_again)
    if fails_again:
        assert kind != "pull_request_review" or "verdict True" in bench.prompt()
        assert bench.take(deliveries[1]).code == 204
        assert bench.retries() == 1


def test_dismissed_review_and_changed_check_are_not_open(bench: DeliveryBench) -> None:
    run, pull = bench.with_pull(commit=COMMIT)
    bench.shop.branches[branch(run)] = COMMIT
    bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened"))
    check = failed(bench, run)
    deliveries = [bench.queued("check_run", check)]
    bench.shop.checks[check["check_run"]["id"]] = {**check["check_run"], "conclusion": "success"}
    review = payloads.review(bench.shop, pull["number"], "changes_requested", "no")
    deliveries.append(bench.queued("pull_request_review", review))
    bench.shop.reviews[pull["number"]] = [{**review["review"], "state": "DISMISSED"}]
    for delivery in deliveries:
        assert bench.take(delivery).code == 204
    assert bench.retries() == 0


def test_feedback_beyond_max_retries_gets_one_reply(bench: DeliveryBench) -> None:
    bench.configure("maxRetries: 1")
    run, pull = bench.with_pull(commit=COMMIT)
    bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened"))
    bench.deliver("check_run", failed(bench, run))
    run = bench.reopened(bench.run())
    bench.shop.branches[branch(run)] = COMMIT
    bench.deliver("check_run", failed(bench, run, "lint"))
    run = bench.ends(bench.now(run), commit=COMMIT)
    for _ in range(2):
        assert bench.report(run) == 204
    limit = "was retried automatically once, which is the limit"
    answers = [text for text in bench.answers(pull["number"]) if limit in text]
    assert len(answers) == 1
    assert bench.retries() == 1
