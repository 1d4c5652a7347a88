"""The merge queue tests a pull request on a commit of its own, where a required check is expected too.

| our check on the pull request's last commit | expected on the commit of the merge group            |
|---------------------------------------------|------------------------------------------------------|
| concluded, also of a run that is deleted    | the same conclusion, once                            |
| in progress: the run works on it again      | a failure, so that the queue does not wait for it    |
| none, or of another App                     | nothing                                              |
| concluded otherwise, then queued again      | each commit has the conclusion of its time           |

Without a required check on that commit, the pull request waits until the queue removes it (GitHub: Managing a merge
queue).
"""

from typing import Any

import pytest

from tests.github.delivery_bench import Object, Stage
from tests.support.github import payloads

HEAD, GROUP = "d" * 40, "f" * 40


def pull_request(stage: Stage, conclusion: str | None, app: Object | None = None) -> int:
    """A pull request whose last commit has our check."""
    pull = stage.shop.open_pull("agents/run-1-3f2b8")
    pull["head"]["sha"] = stage.shop.branches["agents/run-1-3f2b8"] = HEAD
    checked(stage, conclusion, app or stage.github.app.shown())
    return int(pull["number"])


def checked(stage: Stage, conclusion: str | None, app: Object) -> None:
    number = next(stage.shop.place.ids)
    output = {"title": f"Title {conclusion}", "summary": "s"}
    state = {"status": "completed" if conclusion else "in_progress", "conclusion": conclusion}
    about = {"id": number, "name": "orchestrator", "external_id": "u" * 36, "head_sha": HEAD, "app": app}
    stage.shop.checks[number] = {**about, **state, "output": output, "details_url": "https://github.example/1"}


def queued(stage: Stage, number: int, commit: str = GROUP, guid: str = "") -> int:
    """The merge queue asks for checks; how it is answered."""
    payload = payloads.merge_group(stage.shop, number, commit)
    stage.shop.branches[payload["merge_group"]["head_ref"].removeprefix("refs/heads/")] = commit
    return stage.deliver("merge_group", payload, guid).code


def on(stage: Stage, commit: str) -> list[Any]:
    return [(each["status"], each["conclusion"]) for each in stage.shop.checks.values() if each["head_sha"] == commit]


@pytest.mark.parametrize("conclusion", ["success", "neutral", "failure", "cancelled"])
def test_the_check_of_the_pull_request_is_reported_once(stage: Stage, conclusion: str) -> None:
    number = pull_request(stage, conclusion)
    for guid in ("a", "b"):
        assert queued(stage, number, guid=guid) == 204
    assert on(stage, GROUP) == [("completed", conclusion)]
    (check,) = (each for each in stage.shop.checks.values() if each["head_sha"] == GROUP)
    assert (check["name"], check["output"]["title"]) == ("orchestrator", f"Title {conclusion}")
    assert HEAD in check["output"]["summary"]
    assert len(stage.github.asked("POST .*/check-runs")) == 1
    assert stage.github.asked("PATCH") == []


def test_a_run_at_work_does_not_hold_up_the_queue(stage: Stage) -> None:
    number = pull_request(stage, None)
    assert queued(stage, number) == 204
    assert on(stage, GROUP) == [("completed", "failure")]
    checked(stage, "success", stage.github.app.shown())
    assert queued(stage, number, "e" * 40, "again") == 204
    assert on(stage, "e" * 40) == [("completed", "success")]
    assert on(stage, GROUP) == [("completed", "failure")]


def test_without_a_check_of_ours_nothing_is_reported(stage: Stage) -> None:
    number = pull_request(stage, "success", {"id": 1, "slug": "other"})
    assert queued(stage, number) == 204
    assert on(stage, GROUP) == []


def test_what_github_does_not_show_yet_is_asked_for_again(stage: Stage) -> None:
    number = pull_request(stage, "success")
    payload = payloads.merge_group(stage.shop, number, GROUP)
    assert stage.deliver("merge_group", payload).code == 503, "its commit is not known yet"
    assert queued(stage, number) == 204
    assert on(stage, GROUP) == [("completed", "success")]
    stage.github.fails("GET .*/pulls/", 404, times=9)
    assert queued(stage, number, "e" * 40, "b") == 503
    stage.clock.later(minutes=11)
    assert stage.take(stage.queue[-1]).code == 204, "the pull request is gone"


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/gh-readonly-queue/main/pr-x-1", "", None])
def test_a_branch_of_another_kind_is_ignored(stage: Stage, ref: str | None) -> None:
    payload = payloads.merge_group(stage.shop, 1, GROUP)
    payload["merge_group"]["head_ref"] = ref
    assert stage.deliver("merge_group", payload).code == 204
    assert stage.github.asked() == []
