"""The merge queue tests a pull request on its own commit, where a required check is expected too.

| our check on the pull request's last commit | expected on the commit of the merge group         |
|---------------------------------------------|---------------------------------------------------|
| concluded, also for a deleted run           | the same conclusion, once                         |
| in progress: the run works on it again      | a failure, so that the queue does not wait for it |
| missing, or of another App                  | nothing                                           |
| concluded differently, then queued again    | on each commit, the conclusion of its time        |

Without a required check on that commit, the pull request waits until the queue removes it (GitHub: Managing a merge
queue).
"""

from typing import Any

import pytest

from tests.github.delivery_bench import DeliveryBench, Object
from tests.support.github import payloads

HEAD, GROUP = "d" * 40, "f" * 40


def pull_request(bench: DeliveryBench, conclusion: str | None, app: Object | None = None) -> int:
    """Create a pull request whose last commit has our check."""
    pull = bench.shop.open_pull("agents/run-1-3f2b8")
    pull["head"]["sha"] = bench.shop.branches["agents/run-1-3f2b8"] = HEAD
    checked(bench, conclusion, app or bench.github.app.shown())
    return int(pull["number"])


def checked(bench: DeliveryBench, conclusion: str | None, app: Object) -> None:
    number = next(bench.shop.place.ids)
    output = {"title": f"Title {conclusion}", "summary": "s"}
    state = {"status": "completed" if conclusion else "in_progress", "conclusion": conclusion}
    about = {"id": number, "name": "orchestrator", "external_id": "u" * 36, "head_sha": HEAD, "app": app}
    bench.shop.checks[number] = {**about, **state, "output": output, "details_url": "https://github.example/1"}


def queued(bench: DeliveryBench, number: int, commit: str = GROUP, guid: str = "") -> int:
    """Deliver the merge queue's request for checks; return the status code."""
    payload = payloads.merge_group(bench.shop, number, commit)
    bench.shop.branches[payload["merge_group"]["head_ref"].removeprefix("refs/heads/")] = commit
    return bench.deliver("merge_group", payload, guid).code


def on(bench: DeliveryBench, commit: str) -> list[Any]:
    return [(each["status"], each["conclusion"]) for each in bench.shop.checks.values() if each["head_sha"] == commit]


@pytest.mark.parametrize("conclusion", ["success", "neutral", "failure", "cancelled"])
def test_conclusion_of_our_check_is_reported_once_on_the_merge_group(bench: DeliveryBench, conclusion: str) -> None:
    number = pull_request(bench, conclusion)
    for guid in ("a", "b"):
        assert queued(bench, number, guid=guid) == 204
    assert on(bench, GROUP) == [("completed", conclusion)]
    (check,) = (each for each in bench.shop.checks.values() if each["head_sha"] == GROUP)
    assert (check["name"], check["output"]["title"]) == ("orchestrator", f"Title {conclusion}")
    assert HEAD in check["output"]["summary"]
    assert len(bench.github.asked("POST .*/check-runs")) == 1
    assert bench.github.asked("PATCH") == []


def test_check_in_progress_is_reported_as_failure_to_the_merge_queue(bench: DeliveryBench) -> None:
    number = pull_request(bench, None)
    assert queued(bench, number) == 204
    assert on(bench, GROUP) == [("completed", "failure")]
    checked(bench, "success", bench.github.app.shown())
    assert queued(bench, number, "e" * 40, "again") == 204
    assert on(bench, "e" * 40) == [("completed", "success")]
    assert on(bench, GROUP) == [("completed", "failure")]


def test_merge_group_without_our_check_gets_no_report(bench: DeliveryBench) -> None:
    number = pull_request(bench, "success", {"id": 1, "slug": "other"})
    assert queued(bench, number) == 204
    assert on(bench, GROUP) == []


def test_pull_request_that_github_does_not_return_yet_is_retried(bench: DeliveryBench) -> None:
    number = pull_request(bench, "success")
    payload = payloads.merge_group(bench.shop, number, GROUP)
    assert bench.deliver("merge_group", payload).code == 503, "GitHub does not return its commit yet"
    assert queued(bench, number) == 204
    assert on(bench, GROUP) == [("completed", "success")]
    bench.github.fails("GET .*/pulls/", 404, times=9)
    assert queued(bench, number, "e" * 40, "b") == 503
    bench.clock.later(minutes=11)
    assert bench.take(bench.queue[-1]).code == 204, "the pull request does not exist any more"


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/gh-readonly-queue/main/pr-x-1", "", None])
def test_ref_that_is_no_merge_group_is_ignored(bench: DeliveryBench, ref: str | None) -> None:
    payload = payloads.merge_group(bench.shop, 1, GROUP)
    payload["merge_group"]["head_ref"] = ref
    assert bench.deliver("merge_group", payload).code == 204
    assert bench.github.asked() == []
