"""Events about an agent's work on GitHub: reviews, checks and changes of its pull request.

| event                                              | expected                                                  |
|----------------------------------------------------|-----------------------------------------------------------|
| a review that requests changes, a failed check     | a retry with the feedback, up to the limit                |
| ... of an older commit, a cancelled run, if off    | nothing                                                   |
| a change of a pull request, in any order           | recorded on the run as it is now; of a fork nothing       |
"""

from typing import Any

import pytest

from functions.runs.lifecycle.states import State
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.run import Run
from functions.runs.requests import FEEDBACK_RETRIES
from tests.github.delivery_bench import Object, Stage
from tests.support.github import payloads

# Feedback -----------------------------------------------------------------------------------------------------------


def _review(stage: Stage, pull: Object, body: str = "use the other library", by: str = "octocat") -> Object:
    return payloads.review(stage.shop, pull["number"], "changes_requested", body, by)


def test_a_review_retries_the_run_with_its_text_and_comments(stage: Stage) -> None:
    _, pull = stage.with_pull()
    payload = _review(stage, pull)
    stage.shop.review_comments[1] = {
        "id": 1,
        "pull_request_review_id": payload["review"]["id"],
        "path": "shop.py",
        "line": 7,
        "body": "`None` is not handled",
    }
    for guid in ("a", "b"):
        assert stage.deliver("pull_request_review", payload, guid).code == 204
    found = stage.run().spec
    assert isinstance(found, CodeRunSpec)
    assert found.context_version == 2
    assert "asks for changes.\n\nuse the other library\n\nOn shop.py:7:\n`None` is not handled" in str(
        found.prompt_modification
    )


def test_a_review_after_the_last_automatic_retry_gets_a_reply(stage: Stage) -> None:
    stage.configure("maxRetries: 2")
    _, pull = stage.with_pull()
    for _ in range(2):
        stage.deliver("pull_request_review", _review(stage, pull))
        stage.ends(stage.reopened(stage.run()))
    assert stage.answers(pull["number"]) == []
    stage.deliver("pull_request_review", _review(stage, pull))
    found = stage.run()
    assert found.spec.context_version == 3  # type: ignore[union-attr]
    assert found.raw["metadata"]["annotations"][FEEDBACK_RETRIES] == "2"
    assert "was retried automatically 2 times, which is the limit" in stage.answers(pull["number"])[0]


def test_a_review_by_a_user_without_write_access_starts_nothing(stage: Stage) -> None:
    _, pull = stage.with_pull()
    stage.deliver("pull_request_review", _review(stage, pull, by="mallory"))
    assert stage.run().spec.context_version == 1  # type: ignore[union-attr]
    assert stage.answers(pull["number"]) == []


def _check(stage: Stage, run: Run, **more: Any) -> Object:
    return payloads.check_run(stage.shop, run.status.branch or "", **more)


def test_several_failed_checks_retry_the_run_once(stage: Stage) -> None:
    stage.configure("maxRetries: 5")
    run, pull = stage.with_pull()
    for name in ("tests", "lint"):
        assert stage.deliver("check_run", _check(stage, run, name=name)).code == 204
    found = stage.run().spec
    assert isinstance(found, CodeRunSpec)
    assert found.context_version == 2
    assert "The check tests failed" in str(found.prompt_modification)
    assert stage.answers(pull["number"]) == []


def _retried(stage: Stage) -> bool:
    return bool(stage.run().spec.context_version > 1)  # type: ignore[union-attr]


def test_a_failed_check_of_another_commit_is_ignored(stage: Stage) -> None:
    run, _ = stage.with_pull(commit="d" * 40)
    stage.deliver("check_run", _check(stage, run, head_sha="e" * 40))
    assert not _retried(stage)
    stage.deliver("check_run", _check(stage, run, head_sha="d" * 40))
    assert _retried(stage)


@pytest.mark.parametrize("configured", ["retryOn: []", "retryOn: [", "retryOn: [review]"])
def test_a_failed_check_is_ignored_if_checks_are_off_or_the_configuration_invalid(
    stage: Stage, configured: str
) -> None:
    run, _ = stage.with_pull()
    stage.configure(configured)
    stage.deliver("check_run", _check(stage, run))
    assert not _retried(stage)


def test_a_cancelled_run_is_not_retried_by_a_check(stage: Stage) -> None:
    run = stage.ends(stage.asked_for()[0], State.CANCELLED)
    stage.deliver("check_run", _check(stage, run))
    assert not _retried(stage)


def test_a_failed_check_is_ignored_with_max_retries_0(stage: Stage) -> None:
    stage.configure("maxRetries: 0")
    run, _ = stage.with_pull()
    stage.deliver("check_run", _check(stage, run))
    assert not _retried(stage)


# Pull requests ------------------------------------------------------------------------------------------------------


def _news(stage: Stage, pull: Object, action: str) -> None:
    assert stage.deliver("pull_request", payloads.pull_request(stage.shop, pull["number"], action)).code == 204


def _merged(run: Run) -> list[tuple[str, str]]:
    return [(each.status, each.reason) for each in run.status.conditions if each.type == "PullRequestMerged"]


def test_a_pull_request_is_recorded_on_its_run(stage: Stage) -> None:
    before, pull = stage.with_pull()
    _news(stage, pull, "opened")
    run = stage.run()
    assert run.status.pull_request_url == pull["html_url"]
    assert _merged(run) == [("False", "Open")]
    assert [each for each in run.status.conditions if each.type != "PullRequestMerged"] == before.status.conditions
    version = run.resource_version
    _news(stage, pull, "synchronize")
    assert stage.run().resource_version == version


@pytest.mark.parametrize(("merged", "expected"), [(True, ("True", "Merged")), (False, ("False", "Closed"))])
def test_pull_request_events_in_the_wrong_order_record_its_present_state(
    stage: Stage, merged: bool, expected: tuple[str, str]
) -> None:
    run, pull = stage.with_pull()
    opened = payloads.pull_request(stage.shop, pull["number"], "opened")
    opened = {**opened, "pull_request": {**pull, "state": "open"}}
    stage.shop.pulls[pull["number"]] |= {"state": "closed", "merged": merged}
    _news(stage, pull, "closed")
    assert stage.deliver("pull_request", opened).code == 204
    assert _merged(stage.run()) == [expected]
    stage.deliver("check_run", _check(stage, run))
    assert not _retried(stage)


def test_a_second_pull_request_is_recorded_after_the_first_is_closed(stage: Stage) -> None:
    run, first = stage.with_pull()
    _news(stage, first, "opened")
    second = stage.shop.open_pull(run.status.branch or "", "next")
    _news(stage, second, "opened")
    assert stage.run().status.pull_request_url == first["html_url"]
    stage.shop.pulls[first["number"]] |= {"state": "closed"}
    _news(stage, first, "closed")
    _news(stage, second, "synchronize")
    assert stage.run().status.pull_request_url == second["html_url"]
    assert _merged(stage.run()) == [("False", "Open")]


def test_a_pull_request_of_a_fork_is_not_recorded(stage: Stage) -> None:
    run, _ = stage.with_pull()
    pull = stage.shop.open_pull(run.status.branch or "", fork="mallory/shop")
    _news(stage, pull, "opened")
    assert stage.run().status.pull_request_url is None
