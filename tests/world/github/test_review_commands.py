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


@pytest.mark.parametrize("command", ["/retry", "@5dlabs-rex retry"])
@pytest.mark.parametrize("is_listed", [True, False])
def test_retry_command_in_a_review_is_part_of_the_reviews_retry(
    bench: DeliveryBench, is_listed: bool, command: str
) -> None:
    _, pull = bench.with_pull(commit=COMMIT)
    bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened"))
    review = payloads.review(bench.shop, pull["number"], "changes_requested", "use the other library")
    bench.shop.reviews[pull["number"]] = [review["review"]] if is_listed else []
    line = payloads.review_comment(bench.shop, pull["number"], f"{command} rename this")
    line["comment"]["pull_request_review_id"] = review["review"]["id"]
    for name, payload in (("pull_request_review", review), ("pull_request_review_comment", line)):
        assert bench.deliver(name, payload).code == 204
    assert bench.retries() == 1
    assert "use the other library" in bench.prompt()
    assert "rename this" in bench.prompt()
    assert bench.answers(pull["number"]) == []


def test_retry_on_a_line_before_its_review_names_the_review_and_answers_it(bench: DeliveryBench) -> None:
    run, pull = bench.with_pull(commit=COMMIT)
    bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened"))
    review = payloads.review(bench.shop, pull["number"], "changes_requested", "use the other library")
    bench.shop.reviews[pull["number"]] = [review["review"]]
    lines = [payloads.review_comment(bench.shop, pull["number"], f"/retry rename {name}") for name in ("this", "that")]
    for line in lines:
        line["comment"]["pull_request_review_id"] = review["review"]["id"]
    events = [*(("pull_request_review_comment", line) for line in lines), ("pull_request_review", review)]
    for name, payload in events:
        assert bench.deliver(name, payload).code == 204
    assert bench.retries() == 1
    for words in ("use the other library", "rename this", "rename that"):
        assert words in bench.prompt()
    bench.shop.branches[run.status.branch or ""] = COMMIT
    run = bench.ends(bench.reopened(bench.now(run)), commit=COMMIT)
    assert bench.report(run) == 204
    assert bench.retries() == 1
    assert bench.answers(pull["number"]) == []


@pytest.mark.parametrize(("text", "by"), [("/cancel", "octocat"), ("mine mine", "mallory")])
def test_retry_on_a_line_answers_no_cancel_and_no_review_of_another_user(
    bench: DeliveryBench, text: str, by: str
) -> None:
    run, pull = bench.with_pull(commit=COMMIT)
    review = payloads.review(bench.shop, pull["number"], "changes_requested", text, by)
    bench.shop.reviews[pull["number"]] = [review["review"]]
    line = payloads.review_comment(bench.shop, pull["number"], "/retry rename this")
    line["comment"]["pull_request_review_id"] = review["review"]["id"]
    assert bench.deliver("pull_request_review_comment", line).code == 204
    assert text not in bench.prompt()
    assert bench.deliver("pull_request_review", review).code == 204
    assert bench.now(run).cancel == (text == "/cancel")


@pytest.mark.parametrize(
    ("command", "counts"), [("/status", True), ("/code three", True), ("/cancel now", False), ("/retry", True)]
)
def test_review_that_asks_for_changes_counts_beside_other_commands(
    bench: DeliveryBench, command: str, counts: bool
) -> None:
    _, pull = bench.with_pull(commit=COMMIT)
    review = payloads.review(bench.shop, pull["number"], "changes_requested", f"{command}\nuse the other library")
    for guid in ("a", "b"):
        assert bench.deliver("pull_request_review", review, guid).code == 204
    assert bench.retries() == int(counts)
    assert ("use the other library" in bench.prompt()) == counts
    assert len(bench.answers(pull["number"])) == int(command != "/retry")


@pytest.mark.parametrize("state", ["changes_requested", "commented"])
def test_retry_in_the_text_of_a_review_names_its_comments_on_lines(bench: DeliveryBench, state: str) -> None:
    _, pull = bench.with_pull(commit=COMMIT)
    review = payloads.review(bench.shop, pull["number"], state, "/retry as I wrote below")
    line = payloads.review_comment(bench.shop, pull["number"], "rename this")
    line["comment"]["pull_request_review_id"] = review["review"]["id"]
    assert bench.deliver("pull_request_review", review).code == 204
    assert bench.retries() == 1
    for words in ("as I wrote below", "On shop.py", "rename this"):
        assert words in bench.prompt()
