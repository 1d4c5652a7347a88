"""CASES G6, G7, G14: commands in a review and on its lines, which arrive as several events in any order."""

from typing import Any

import pytest

from functions.runs.model.run import Run
from tests.github.delivery_bench import DeliveryBench, Object
from tests.support.github import payloads

COMMIT = "d" * 40


def reviewed(bench: DeliveryBench, body: str, state: str = "changes_requested") -> tuple[Run, Object]:
    """Return a run with a pull request, and the event of a review of it."""
    run, pull = bench.with_pull(commit=COMMIT)
    number = pull["number"]
    bench.deliver("pull_request", payloads.pull_request(bench.shop, number, "opened"))
    bench.shop.branches[run.status.branch or ""] = COMMIT
    review = payloads.review(bench.shop, number, state, body)
    bench.shop.reviews[number] = [review["review"]]
    return run, review


def on_line(bench: DeliveryBench, review: Object, body: str) -> Object:
    """Return the event of a comment on a line in the review."""
    line = payloads.review_comment(bench.shop, review["pull_request"]["number"], body)
    line["comment"]["pull_request_review_id"] = review["review"]["id"]
    return line


def test_retry_added_to_an_answered_change_request_is_run(bench: DeliveryBench) -> None:
    run, review = reviewed(bench, "use the other library")
    bench.deliver("pull_request_review", review)
    assert bench.retries() == 1
    bench.ends(bench.reopened(bench.now(run)), commit=COMMIT)
    bench.clock.later(minutes=1)
    changes = {"body": {"from": "use the other library"}}
    review["review"] |= {"body": "use the other library\n\n/retry and test it", "updated_at": bench.shop.place.now()}
    for guid in ("a", "b"):
        bench.deliver("pull_request_review", review | {"action": "edited", "changes": changes}, guid)
    assert bench.retries() == 2
    assert "and test it" in bench.prompt()


@pytest.mark.parametrize("text", ["/retry use the other library", "/status\n/retry use the other library"])
def test_retry_in_a_change_request_answers_it(bench: DeliveryBench, text: str) -> None:
    run, review = reviewed(bench, text)
    bench.deliver("pull_request_review", review)
    assert bench.retries() == 1
    run = bench.ends(bench.reopened(bench.now(run)), commit=COMMIT)
    check = payloads.check_run(bench.shop, run.status.branch or "", head_sha=COMMIT)
    bench.shop.checks[check["check_run"]["id"]] = check["check_run"]
    bench.deliver("check_run", check)
    assert bench.retries() == 2
    assert "The check tests failed" in bench.prompt()
    assert "use the other library" not in bench.prompt()


@pytest.mark.parametrize(
    ("state", "is_line_first"), [("changes_requested", True), ("changes_requested", False), ("commented", False)]
)
@pytest.mark.parametrize("text", ["/retry as below", "/status\n/retry as below"])
def test_retry_in_a_review_and_on_its_lines_is_one(
    bench: DeliveryBench, text: str, state: str, is_line_first: bool
) -> None:
    _, review = reviewed(bench, text, state)
    number = review["pull_request"]["number"]
    line = on_line(bench, review, "/retry rename this")
    events: list[tuple[str, Any]] = [("pull_request_review", review), ("pull_request_review_comment", line)]
    for name, payload in reversed(events) if is_line_first else events:
        assert bench.deliver(name, payload).code == 204
    assert bench.retries() == 1
    for words in ("as below", "rename this"):
        assert words in bench.prompt()
    assert [text for text in bench.answers(number) if "cannot" in text] == []


def test_retry_on_a_line_counts_from_the_submission_of_its_review(bench: DeliveryBench) -> None:
    _, review = reviewed(bench, "", "commented")
    line = on_line(bench, review, "/retry rename this")
    bench.clock.later(minutes=1)
    bench.comment(review["pull_request"]["number"], "/cancel")
    bench.clock.later(minutes=1)
    line["comment"]["updated_at"] = bench.shop.place.now()
    bench.deliver("pull_request_review_comment", line)
    assert bench.retries() == 1
