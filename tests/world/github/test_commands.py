"""CASES G7, G11 to G14, G16, G19: commands as people write and withdraw them."""

import unicodedata
from dataclasses import replace
from typing import Literal

import pytest

from tests.github.delivery_bench import DeliveryBench, Object
from tests.support.github import payloads


def test_prompt_of_a_retry_on_a_line_has_file_line_and_diff(bench: DeliveryBench) -> None:
    run, pull = bench.with_pull()
    payload = payloads.review_comment(bench.shop, pull["number"], "/retry rename this")
    payload["comment"] |= {"path": "shop.py", "line": 7, "diff_hunk": "@@ -5,3 +5,3 @@\n-old\n+basket = 1"}
    assert bench.deliver("pull_request_review_comment", payload).code == 204
    prompt = bench.prompt(run)
    for words in ("shop.py:7", "+basket = 1", "rename this"):
        assert words in prompt


MORE_THAN_A_NUMBER = [
    "Task 3\u20135: forms",
    "Task 3\u20111",
    "Task 3\u200b.1",
    "Task 3+4",
    "Task 3 & 4",
    "task 3 and 4",
]


@pytest.mark.parametrize(
    "title", ["Task 3.1: the form", "task 3-2", "Task 12,5", "task 3/4", "Task 3a", "Task 3:1", *MORE_THAN_A_NUMBER]
)
def test_title_with_more_than_a_whole_number_names_no_task(bench: DeliveryBench, title: str) -> None:
    bench.configure("labels: {doit: /code service=api}")
    number = bench.issue(title)
    assert bench.deliver("issues", payloads.issue(bench.shop, number, "labeled", label={"name": "doit"})).code == 204
    assert bench.runs() == []
    assert "the task is missing" in bench.answers(number)[0]


@pytest.mark.parametrize(
    "title", ["Task 3: the form", "the form (task 3).", "Task 3, the form", "task 3", "Task 3 - 2FA"]
)
def test_whole_number_in_a_title_is_the_task(bench: DeliveryBench, title: str) -> None:
    bench.configure("labels: {doit: /code service=api}")
    payload = payloads.issue(bench.shop, bench.issue(title), "labeled", label={"name": "doit"})
    assert bench.deliver("issues", payload).code == 204
    assert bench.spec().task_id == 3


@pytest.mark.parametrize(("name", "reports"), [("doit", 1), ("DoIt", 1), ("unrelated", 0)])
@pytest.mark.parametrize("event", ["labeled", "assigned"])
def test_invalid_configuration_is_reported_only_for_names_it_mentions(
    bench: DeliveryBench, event: str, name: str, reports: int
) -> None:
    bench.configure("labels: {doit: /code}\nassignees: {doit: /code}\nservcie: api")
    number = bench.issue()
    more: Object = {"label": {"name": name}} if event == "labeled" else {"assignee": {"login": name}}
    payload = payloads.issue(bench.shop, number, event, **more)
    for guid in ("a", "b"):
        assert bench.deliver("issues", payload, guid).code == 204
    assert len(bench.answers(number)) == reports
    assert all("servcie" in text for text in bench.answers(number))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_label_matches_in_both_unicode_normal_forms(bench: DeliveryBench, form: Literal["NFC", "NFD"]) -> None:
    bench.configure("labels: {À faire: /code 3 service=api}")
    label = {"name": unicodedata.normalize(form, "à Faire")}
    assert bench.deliver("issues", payloads.issue(bench.shop, bench.issue(), "labeled", label=label)).code == 204
    assert len(bench.runs()) == 1


BLANKS = "\u00a0\u2003\u2009\u202f\u3000"
INVISIBLE = "\u200b\u200d\u2060\ufeff\u00ad\u200e"


@pytest.mark.parametrize("blank", BLANKS)
def test_any_unicode_blank_separates_words_of_a_command(bench: DeliveryBench, blank: str) -> None:
    assert bench.comment(bench.issue(), f"/code{blank}3{blank}service=api{blank}").code == 204
    assert bench.spec().service == "api"


@pytest.mark.parametrize("character", INVISIBLE)
def test_invisible_characters_in_a_command_are_ignored(bench: DeliveryBench, character: str) -> None:
    assert bench.comment(bench.issue(), f"{character}/code{character} 3{character} service=api{character}").code == 204
    assert bench.spec().service == "api"


@pytest.mark.parametrize(("word", "task"), [("1.2", "1.2"), ("HAM-1", "HAM-1"), ("#3", 3), ("٣", None), ("3️⃣", None)])
def test_every_valid_task_master_id_is_accepted(bench: DeliveryBench, word: str, task: int | str | None) -> None:
    number = bench.issue()
    assert bench.comment(number, f"/code {word} service=api").code == 204
    assert [run.spec.task_id for run in bench.runs()] == ([task] if task else [])  # type: ignore[union-attr]
    assert task or "must be a number from 1" in bench.answers(number)[0]


@pytest.mark.parametrize("command", ["/code 3 service=api", "/retry"])
def test_later_cancel_overrides_an_older_command(bench: DeliveryBench, command: str) -> None:
    run, number = bench.asked_for()
    bench.ends(run)
    older = bench.queued("issue_comment", bench.commented(number, command))
    bench.clock.later(minutes=1)
    bench.comment(number, "/cancel")
    bench.clock.later(hours=1)
    before = len(bench.runs())
    assert bench.take(older).code == 204
    assert len(bench.runs()) == before
    assert bench.retries(run) == 0


@pytest.mark.parametrize("command", ["/code 3 service=api", "/retry"])
@pytest.mark.parametrize("place", ["line", "review"])
def test_later_cancel_on_a_line_or_in_a_review_overrides_an_older_command(
    bench: DeliveryBench, place: str, command: str
) -> None:
    run, pull = bench.with_pull()
    number = pull["number"]
    older = bench.queued("issue_comment", bench.commented(number, command))
    bench.clock.later(minutes=1)
    if place == "line":
        bench.deliver("pull_request_review_comment", payloads.review_comment(bench.shop, number, "/cancel"))
    else:
        review = payloads.review(bench.shop, number, "commented", "/cancel")
        bench.shop.reviews[number] = [review["review"]]
        bench.deliver("pull_request_review", review)
    bench.github.calls.clear()
    assert bench.take(older).code == 204
    assert [known.uid for known in bench.runs()] == [run.uid]
    assert bench.retries(run) == 0
    assert bench.github.asked(rf"GET .*/pulls/{number}/(comments|reviews)") == []


def test_older_cancel_does_not_stop_a_later_retry(bench: DeliveryBench) -> None:
    run, number = bench.asked_for()
    bench.ends(run)
    older = bench.queued("issue_comment", bench.commented(number, "/cancel"))
    bench.clock.later(minutes=1)
    bench.comment(number, "/retry the right way")
    for _ in range(2):
        assert bench.take(older).code == 204
    assert bench.retries(run) == 1
    assert not bench.now(run).cancel
    bench.clock.later(minutes=1)
    bench.comment(number, "/cancel")
    assert bench.now(run).cancel


@pytest.mark.parametrize("by", ["mallory", "dependabot[bot]"])
def test_cancel_without_write_access_has_no_effect(bench: DeliveryBench, by: str) -> None:
    number = bench.issue()
    older = bench.queued("issue_comment", bench.commented(number, "/code 3 service=api"))
    bench.comment(number, "/cancel", by)
    assert bench.take(older).code == 204
    assert len(bench.runs()) == 1


def test_command_in_a_deleted_comment_starts_nothing(bench: DeliveryBench) -> None:
    number = bench.issue()
    event = bench.queued("issue_comment", bench.commented(number, "/code 3 service=api"))
    bench.shop.comments.clear()
    assert bench.take(event).code == 503, "GitHub may not show it yet"
    bench.clock.later(minutes=11)
    assert bench.take(event).code == 204
    assert bench.runs() == []


def test_repository_file_may_end_in_yml(bench: DeliveryBench) -> None:
    bench.shop.files["main", ".github/orchestrator.yml"] = b"service: api"
    bench.comment(bench.issue(), "/code 3")
    assert bench.spec().service == "api"


def test_mistake_on_a_long_issue_is_answered_once(bench: DeliveryBench) -> None:
    number = bench.issue()
    for _ in range(1100):
        bench.shop.comment(number, "hello")
    payload = bench.commented(number, "/code three")
    for guid in ("a", "b", "c"):
        assert bench.deliver("issue_comment", payload, guid).code == 204
    assert len(bench.answers(number)) == 1


@pytest.mark.parametrize(("bots", "runs"), [(["Renovate[bot]"], 1), (["renovate"], 1), (["other[bot]"], 0), ([], 0)])
def test_commands_of_listed_bots_are_accepted(bench: DeliveryBench, bots: list[str], runs: int) -> None:
    github = bench.services.settings.github.model_copy(update={"bots": bots})
    bench.services = replace(bench.services, settings=bench.services.settings.model_copy(update={"github": github}))
    assert bench.comment(bench.issue(), "/code 3 service=api", "renovate[bot]").code == 204
    assert len(bench.runs()) == runs


@pytest.mark.parametrize("configured", [True, False])
def test_closing_an_issue_cancels_its_open_runs_when_configured(bench: DeliveryBench, configured: bool) -> None:
    bench.configure(f"cancelOnClose: {str(configured).lower()}")
    run, number = bench.asked_for()
    done = bench.ends(bench.asked_for()[0])
    assert bench.deliver("issues", payloads.issue(bench.shop, number, "closed")).code == 204
    assert bool(bench.now(run).cancel) is configured
    assert not bench.now(done).cancel


@pytest.mark.parametrize(("by", "expected"), [("octocat", 1), ("mallory", 0), ("ci[bot]", 0)])
@pytest.mark.parametrize("event", ["check_run", "check_suite"])
def test_re_run_of_our_check_or_of_all_retries_the_run(
    bench: DeliveryBench, event: str, by: str, expected: int
) -> None:
    run, pull = bench.with_pull()
    check = payloads.check_run(bench.shop, run.status.branch or "", name="orchestrator", external_id=run.uid)
    check["check_suite"] = check["check_run"]["check_suite"]
    check[event]["pull_requests"] = [{"number": pull["number"]}]
    check |= {"action": "rerequested", "sender": bench.shop.shown()["owner"] | {"login": by, "type": "User"}}
    for _ in range(2):
        assert bench.deliver(event, check, "one").code == 204
    assert bench.retries(run) == expected
