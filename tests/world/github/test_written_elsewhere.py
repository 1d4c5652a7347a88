"""Case G8 and others: commands outside slash commands in comments, checks outside the branch of a run."""

from dataclasses import replace

import pytest

from functions.github.api.client import connect
from functions.github.commands.parse import StartRun, parse_comment
from functions.github.reports.pull_request import build
from functions.runs.model.origin import Origin, to_annotations
from tests.github.delivery_bench import DeliveryBench, Object
from tests.support.builders import ended
from tests.support.github import payloads

MERGE_GROUP = "f" * 40


@pytest.mark.parametrize(
    "text",
    [
        "@5dlabs-rex code 3 service=api",
        "@5DLabs-Rex /code 3 service=api",
        "@5dlabs-rex[bot] code 3 service=api",
        "@5dlabs-rex, code 3 service=api",
        "Please do it.\n\n@5dlabs-rex: code 3 service=api",
    ],
)
def test_mention_of_the_app_is_a_command(bench: DeliveryBench, text: str) -> None:
    assert bench.comment(bench.issue(), text).code == 204
    assert bench.spec().task_id == 3


@pytest.mark.parametrize(
    "text",
    [
        "@somebody code 3 service=api",
        "@5dlabs-rex-2 code 3 service=api",
        "> @5dlabs-rex code 3 service=api",
        "`@5dlabs-rex code 3 service=api`",
        "thanks @5dlabs-rex code 3 service=api",
        "@5dlabs-rex the code is fine",
        "@5dlabs-rexcode 3",
    ],
)
def test_other_mentions_are_no_command(bench: DeliveryBench, text: str) -> None:
    number = bench.issue()
    assert bench.comment(number, text).code == 204
    assert bench.runs() == []
    assert bench.answers(number) == []


def test_mention_of_a_user_is_part_of_the_retry_text(bench: DeliveryBench) -> None:
    run, number = bench.asked_for()
    bench.ends(run)
    bench.comment(number, "/retry mind this:\n@somebody status of the page is red\n@5dlabs-rex status")
    assert "@somebody status of the page is red" in bench.prompt(run)
    assert "@5dlabs-rex" not in bench.prompt(run)
    assert any("Run" in text for text in bench.answers(number))


def test_name_of_the_app_is_requested_once_and_only_for_a_mention(bench: DeliveryBench) -> None:
    number = bench.issue()
    bench.comment(number, "hello @somebody, write the code with /code, or so")
    assert bench.github.asked("GET /app$") == []
    for _ in range(2):
        bench.comment(number, "@5dlabs-rex status")
    assert len(bench.github.asked("GET /app$")) == 1


def test_mention_is_not_parsed_when_the_apps_name_is_unknown() -> None:
    assert parse_comment("@5dlabs-rex code 3") == []
    assert parse_comment("@5dlabs-rex code 3", "5dlabs-rex") == [StartRun("code", {}, 3)]


@pytest.mark.parametrize("text", ["The basket loses items.\n\n/code 3 service=api", "@5dlabs-rex code 3 service=api"])
def test_command_in_the_text_of_an_issue_runs_once(bench: DeliveryBench, text: str) -> None:
    number = bench.issue(body=text)
    for guid in ("a", "b"):
        assert bench.deliver("issues", payloads.issue(bench.shop, number, "opened"), guid).code == 204
    assert bench.spec().task_id == 3
    assert bench.shop.reactions == [{"issue": number, "content": "eyes"}]


def test_mistake_in_the_text_of_an_issue_is_answered(bench: DeliveryBench) -> None:
    number = bench.issue(body="/code three service=api")
    for guid in ("a", "b"):
        assert bench.deliver("issues", payloads.issue(bench.shop, number, "opened"), guid).code == 204
    assert len(bench.answers(number)) == 1
    assert "must be a number" in bench.answers(number)[0]


def test_command_in_the_text_of_a_pull_request_starts_from_its_base_branch(bench: DeliveryBench) -> None:
    pull = bench.shop.open_pull("feature", base="next", body="/code 3 service=api")
    assert bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened")).code == 204
    assert bench.spec().branch == "next"


def edited_text(bench: DeliveryBench, kind: str, number: int, body: str, by: str = "octocat") -> int:
    """Edit the text of an issue or pull request a minute later; return the code of the answer, twice delivered."""
    bench.clock.later(minutes=1)
    shown = bench.shop.issues[number] if kind == "issues" else bench.shop.pulls[number]
    before = {"body": {"from": shown["body"]}}
    bench.shop.issues[number] |= {"body": body, "updated_at": bench.shop.place.now()}
    shown |= {"body": body, "updated_at": bench.shop.place.now()}
    make = payloads.issue if kind == "issues" else payloads.pull_request
    payload = make(bench.shop, number, "edited", by, changes=before)
    return max(bench.deliver(kind, payload).code for _ in range(2))


@pytest.mark.parametrize("kind", ["issues", "pull_request"])
def test_command_corrected_in_a_text_runs_once_and_after_a_cancel(bench: DeliveryBench, kind: str) -> None:
    text = "/code three service=api"
    number = bench.issue(body=text) if kind == "issues" else int(bench.shop.open_pull("feature", body=text)["number"])
    make = payloads.issue if kind == "issues" else payloads.pull_request
    assert bench.deliver(kind, make(bench.shop, number, "opened")).code == 204
    bench.clock.later(minutes=1)
    bench.comment(number, "/cancel")
    assert edited_text(bench, kind, number, "/code 3 service=api", "admin") == 204
    assert bench.runs() == [], "another user's edit"
    assert edited_text(bench, kind, number, text) == 204
    assert len([each for each in bench.answers(number) if "must be a number" in each]) == 2
    assert edited_text(bench, kind, number, "/code 3 service=api") == 204
    assert bench.spec().task_id == 3
    for body in ("Thanks.\n\n/code 3 service=api", "/code 4 service=api"):
        assert edited_text(bench, kind, number, body) == 204
    assert len(bench.runs()) == 1


def test_edit_that_leaves_a_command_in_a_text_requests_nothing(bench: DeliveryBench) -> None:
    number = bench.issue(body="/code 3 service=api")
    assert edited_text(bench, "issues", number, "/code 3 service=api\n\nThanks") == 204
    payload = payloads.issue(bench.shop, number, "edited", changes={"title": {"from": "A title"}})
    assert bench.deliver("issues", payload).code == 204
    assert bench.runs() == []


def test_command_corrected_in_a_review_runs_once(bench: DeliveryBench) -> None:
    number = int(bench.shop.open_pull("feature")["number"])
    payload = payloads.review(bench.shop, number, "commented", "/code three service=api")
    bench.deliver("pull_request_review", payload)
    bench.clock.later(minutes=1)
    bench.comment(number, "/cancel")
    bench.clock.later(minutes=1)
    changed = {"body": {"from": payload["review"]["body"]}}
    payload["review"] |= {"body": "/code 3 service=api", "updated_at": bench.shop.place.now()}
    for by, guid, runs in (("admin", "a", 0), ("octocat", "b", 1), ("octocat", "c", 1)):
        sender = payload["sender"] | {"login": by}
        edit = payload | {"action": "edited", "changes": changed, "sender": sender}
        assert bench.deliver("pull_request_review", edit, guid).code == 204
        assert len(bench.runs()) == runs


@pytest.mark.parametrize("by", ["mallory", "renovate[bot]"])
def test_command_of_a_user_without_write_access_starts_nothing(bench: DeliveryBench, by: str) -> None:
    number = bench.issue(body="/code 3 service=api", by=by)
    assert bench.deliver("issues", payloads.issue(bench.shop, number, "opened", by)).code == 204
    assert bench.runs() == []


@pytest.mark.parametrize("by", ["admin", "octocat"])
def test_command_in_a_transferred_issue_is_not_run_again(bench: DeliveryBench, by: str) -> None:
    bench.shop.people["admin"] = "admin"
    number = bench.issue(body="/code 3 service=api")
    moved = {"old_issue": {"id": 9, "number": 7}, "old_repository": {"id": 8, "full_name": "acme/old"}}
    assert bench.deliver("issues", payloads.issue(bench.shop, number, "opened", by, changes=moved)).code == 204
    assert bench.runs() == []


def test_text_of_an_agents_pull_request_is_no_command(bench: DeliveryBench) -> None:
    run = bench.ends(bench.asked_for()[0])
    pull = bench.shop.open_pull(run.status.branch or "", body="/code 4 service=api")
    assert bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened")).code == 204
    assert len(bench.runs()) == 1


@pytest.mark.parametrize("cancel", ["/cancel", "@5dlabs-rex cancel"])
def test_later_cancel_overrides_a_command_in_the_issue_text(bench: DeliveryBench, cancel: str) -> None:
    number = bench.issue(body="/code 3 service=api")
    older = bench.queued("issues", payloads.issue(bench.shop, number, "opened"))
    bench.comment(number, cancel)
    bench.services = replace(bench.services, github=connect(bench.services.settings.github, bench.clock))
    assert bench.take(older).code == 204
    assert bench.runs() == []


def test_command_rewritten_as_a_mention_still_stands(bench: DeliveryBench) -> None:
    number = bench.issue()
    payload = bench.commented(number, "/code 3 service=api")
    delivery = bench.queued("issue_comment", payload)
    bench.clock.later(minutes=1)
    payload["comment"] |= {"body": "@5dlabs-rex code 3 service=api", "updated_at": bench.shop.place.now()}
    assert bench.take(delivery).code == 204
    assert bench.spec().task_id == 3


def test_mention_with_a_command_is_not_part_of_the_task(bench: DeliveryBench) -> None:
    number = bench.issue()
    bench.shop.comment(number, "@5dlabs-rex status\nIt happens on phones.")
    bench.comment(number, "/code")
    assert "It happens on phones." in str(bench.spec().task)
    assert "@5dlabs-rex" not in str(bench.spec().task)


def in_merge_queue(bench: DeliveryBench, pull: Object, kind: str) -> Object:
    branch = f"gh-readonly-queue/main/pr-{pull['number']}-{'a' * 40}"
    if kind == "check_run":
        return payloads.check_run(bench.shop, branch, head_sha=MERGE_GROUP)
    return payloads.status(bench.shop, branch, MERGE_GROUP)


@pytest.mark.parametrize("kind", ["check_run", "status"])
def test_failed_check_in_the_merge_queue_retries_the_run(bench: DeliveryBench, kind: str) -> None:
    run, pull = bench.with_pull(commit="d" * 40)
    bench.shop.branches[run.status.branch or ""] = "d" * 40
    payload = in_merge_queue(bench, pull, kind)
    for guid in ("a", "b"):
        assert bench.deliver(kind, payload, guid).code == 204
    assert bench.spec(run).context_version == 2
    assert "merge queue" in bench.prompt(run)


def test_failed_check_of_another_pull_request_in_the_merge_queue_is_ignored(bench: DeliveryBench) -> None:
    run, _ = bench.with_pull(commit="d" * 40)
    other = bench.shop.open_pull("feature")
    assert bench.deliver("check_run", in_merge_queue(bench, other, "check_run")).code == 204
    assert bench.spec(run).context_version == 1


def test_pull_request_names_the_repository_of_a_managed_user() -> None:
    """G8: logins of Enterprise Managed Users contain an underscore, also as owners of repositories."""
    source = Origin("octocat_acme/shop", 7, "octocat_acme")
    made = ended(annotations=to_annotations(source), spec={"githubApp": None, "githubUser": "octocat_acme"})
    body = build(made.with_status(made.status.model_copy(update={"branch": "agents/x"})), "octocat_acme/shop").body
    assert "- Asked for in #7" in body
