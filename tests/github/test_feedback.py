"""Events about an agent's work on GitHub: reviews, checks and changes of its pull request."""

from typing import Any

import pytest

from functions.runs.lifecycle.states import State
from functions.runs.model.run import Run
from functions.runs.requests import FEEDBACK_RETRIES
from tests.github.delivery_bench import DeliveryBench, Object
from tests.support.github import payloads

# Feedback -----------------------------------------------------------------------------------------------------------


def _review(bench: DeliveryBench, pull: Object, by: str = "octocat") -> Object:
    return payloads.review(bench.shop, pull["number"], "changes_requested", "use the other library", by)


def test_a_review_retries_the_run_with_its_text_and_comments(bench: DeliveryBench) -> None:
    _, pull = bench.with_pull()
    payload = _review(bench, pull)
    bench.shop.review_comments[1] = {
        "id": 1,
        "pull_request_review_id": payload["review"]["id"],
        "path": "shop.py",
        "line": 7,
        "body": "`None` is not handled",
    }
    for guid in ("a", "b"):
        assert bench.deliver("pull_request_review", payload, guid).code == 204
    assert bench.retries() == 1
    assert "asks for changes.\n\nuse the other library\n\nOn shop.py:7:\n`None` is not handled" in bench.prompt()


def test_a_review_after_the_last_automatic_retry_gets_a_reply(bench: DeliveryBench) -> None:
    bench.configure("maxRetries: 2")
    _, pull = bench.with_pull()
    for _ in range(2):
        bench.deliver("pull_request_review", _review(bench, pull))
        bench.ends(bench.reopened(bench.run()))
    assert bench.answers(pull["number"]) == []
    bench.deliver("pull_request_review", _review(bench, pull))
    assert bench.retries() == 2
    assert bench.run().raw["metadata"]["annotations"][FEEDBACK_RETRIES] == "2"
    assert "was retried automatically 2 times, which is the limit" in bench.answers(pull["number"])[0]


def test_a_review_by_a_user_without_write_access_starts_nothing(bench: DeliveryBench) -> None:
    _, pull = bench.with_pull()
    bench.deliver("pull_request_review", _review(bench, pull, by="mallory"))
    assert bench.retries() == 0
    assert bench.answers(pull["number"]) == []


def _check(bench: DeliveryBench, run: Run, **more: Any) -> Object:
    return payloads.check_run(bench.shop, run.status.branch or "", **more)


def test_several_failed_checks_retry_the_run_once(bench: DeliveryBench) -> None:
    bench.configure("maxRetries: 5")
    run, pull = bench.with_pull()
    for name in ("tests", "lint"):
        assert bench.deliver("check_run", _check(bench, run, name=name)).code == 204
    assert bench.retries() == 1
    assert "The check tests failed" in bench.prompt()
    assert bench.answers(pull["number"]) == []


def test_a_failed_check_of_another_commit_is_ignored(bench: DeliveryBench) -> None:
    run, _ = bench.with_pull(commit="d" * 40)
    bench.deliver("check_run", _check(bench, run, head_sha="e" * 40))
    assert bench.retries() == 0
    bench.deliver("check_run", _check(bench, run, head_sha="d" * 40))
    assert bench.retries() == 1


@pytest.mark.parametrize("configured", ["retryOn: []", "retryOn: [", "retryOn: [review]"])
def test_a_failed_check_is_ignored_if_checks_are_off_or_the_configuration_invalid(
    bench: DeliveryBench, configured: str
) -> None:
    run, _ = bench.with_pull()
    bench.configure(configured)
    bench.deliver("check_run", _check(bench, run))
    assert bench.retries() == 0


def test_a_cancelled_run_is_not_retried_by_a_check(bench: DeliveryBench) -> None:
    run = bench.ends(bench.asked_for()[0], State.CANCELLED)
    bench.deliver("check_run", _check(bench, run))
    assert bench.retries() == 0


def test_a_failed_check_is_ignored_with_max_retries_0(bench: DeliveryBench) -> None:
    bench.configure("maxRetries: 0")
    run, _ = bench.with_pull()
    bench.deliver("check_run", _check(bench, run))
    assert bench.retries() == 0


# Pull requests ------------------------------------------------------------------------------------------------------


def _news(bench: DeliveryBench, pull: Object, action: str) -> None:
    assert bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], action)).code == 204


def _merged(run: Run) -> list[tuple[str, str]]:
    return [(each.status, each.reason) for each in run.status.conditions if each.type == "PullRequestMerged"]


def test_a_pull_request_is_recorded_on_its_run(bench: DeliveryBench) -> None:
    before, pull = bench.with_pull()
    _news(bench, pull, "opened")
    run = bench.run()
    assert run.status.pull_request_url == pull["html_url"]
    assert _merged(run) == [("False", "Open")]
    assert [each for each in run.status.conditions if each.type != "PullRequestMerged"] == before.status.conditions
    version = run.resource_version
    _news(bench, pull, "synchronize")
    assert bench.run().resource_version == version


@pytest.mark.parametrize(("merged", "expected"), [(True, ("True", "Merged")), (False, ("False", "Closed"))])
def test_pull_request_events_in_the_wrong_order_record_its_present_state(
    bench: DeliveryBench, merged: bool, expected: tuple[str, str]
) -> None:
    run, pull = bench.with_pull()
    opened = payloads.pull_request(bench.shop, pull["number"], "opened")
    opened = {**opened, "pull_request": {**pull, "state": "open"}}
    bench.shop.pulls[pull["number"]] |= {"state": "closed", "merged": merged}
    _news(bench, pull, "closed")
    assert bench.deliver("pull_request", opened).code == 204
    assert _merged(bench.run()) == [expected]
    bench.deliver("check_run", _check(bench, run))
    assert bench.retries() == 0


def test_a_second_pull_request_is_recorded_after_the_first_is_closed(bench: DeliveryBench) -> None:
    run, first = bench.with_pull()
    _news(bench, first, "opened")
    second = bench.shop.open_pull(run.status.branch or "", "next")
    _news(bench, second, "opened")
    assert bench.run().status.pull_request_url == first["html_url"]
    bench.shop.pulls[first["number"]] |= {"state": "closed"}
    _news(bench, first, "closed")
    _news(bench, second, "synchronize")
    assert bench.run().status.pull_request_url == second["html_url"]
    assert _merged(bench.run()) == [("False", "Open")]


def test_a_pull_request_of_a_fork_is_not_recorded(bench: DeliveryBench) -> None:
    run, _ = bench.with_pull()
    pull = bench.shop.open_pull(run.status.branch or "", fork="mallory/shop")
    _news(bench, pull, "opened")
    assert bench.run().status.pull_request_url is None
