"""Commands as people write, correct and withdraw them.

| case                                                                   | expected                                    |
|------------------------------------------------------------------------|---------------------------------------------|
| G7: /retry on a line of a pull request                                 | the prompt has file, line and diff          |
| G11: a title with a subtask's number                                   | asked for, and not run as its task          |
| G12: a bad configuration, then a label that it mentions                | said on the issue, once                     |
| G13: blanks of other widths, invisible characters                      | read as a person reads them                 |
| G14: a later /cancel handled first; a comment deleted before handling  | nothing starts                              |
| G16: .github/orchestrator.yml                                          | read                                        |
| G17: a mistaken command corrected by editing                           | taken, once; what was done is not done again|
| a comment that somebody else edits                                     | no command of theirs                        |
| a subtask, an id with letters                                          | taken                                       |
| G19: over 1,000 comments, a mistake redelivered                        | answered once                               |
| github.bots                                                            | their commands count                        |
| cancelOnClose; "Re-run" on our check                                   | cancels; retries                            |
"""

import unicodedata
from dataclasses import replace
from typing import Any, Literal

import pytest

from functions.runs.model.run import Run
from tests.github.delivery_bench import Object, Stage
from tests.support.github import payloads


def queued(stage: Stage, event: str, payload: Object, guid: str = "") -> Any:
    """A delivery in the queue, not taken yet."""
    assert stage.github.hook.deliver(event, payload, guid).status_code == 200
    return stage.queue[-1]


def issue(stage: Stage, title: str = "An issue") -> int:
    return int(stage.shop.open_issue(title)["number"])


def retries(run: Run) -> int:
    return int(run.spec.context_version) - 1  # type: ignore[union-attr]


def test_a_retry_on_a_line_has_file_line_and_diff(stage: Stage) -> None:
    run, pull = stage.with_pull()
    payload = payloads.review_comment(stage.shop, pull["number"], "/retry rename this")
    payload["comment"] |= {"path": "shop.py", "line": 7, "diff_hunk": "@@ -5,3 +5,3 @@\n-old\n+basket = 1"}
    assert stage.deliver("pull_request_review_comment", payload).code == 204
    prompt = str(stage.now(run).spec.prompt_modification)  # type: ignore[union-attr]
    for words in ("shop.py:7", "+basket = 1", "rename this"):
        assert words in prompt


@pytest.mark.parametrize("title", ["Task 3.1: the form", "task 3-2", "Task 12,5", "task 3/4", "Task 3a", "Task 3:1"])
def test_a_subtasks_number_is_not_read_as_its_task(stage: Stage, title: str) -> None:
    stage.configure("labels: {doit: /code service=api}")
    number = issue(stage, title)
    assert stage.deliver("issues", payloads.issue(stage.shop, number, "labeled", label={"name": "doit"})).code == 204
    assert stage.runs() == []
    assert "the task is missing" in stage.answers(number)[0]


@pytest.mark.parametrize("title", ["Task 3: the form", "the form (task 3).", "Task 3, the form", "task 3"])
def test_a_whole_number_is_the_task(stage: Stage, title: str) -> None:
    stage.configure("labels: {doit: /code service=api}")
    payload = payloads.issue(stage.shop, issue(stage, title), "labeled", label={"name": "doit"})
    assert stage.deliver("issues", payload).code == 204
    assert stage.run().spec.task_id == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(("name", "reports"), [("doit", 1), ("DoIt", 1), ("unrelated", 0)])
@pytest.mark.parametrize("event", ["labeled", "assigned"])
def test_a_bad_configuration_is_reported_where_it_matters(stage: Stage, event: str, name: str, reports: int) -> None:
    stage.configure("labels: {doit: /code}\nassignees: {doit: /code}\nservcie: api")
    number = issue(stage)
    more: Object = {"label": {"name": name}} if event == "labeled" else {"assignee": {"login": name}}
    payload = payloads.issue(stage.shop, number, event, **more)
    for guid in ("a", "b"):
        assert stage.deliver("issues", payload, guid).code == 204
    assert len(stage.answers(number)) == reports
    assert all("servcie" in text for text in stage.answers(number))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_label_is_one_however_its_accents_are_encoded(stage: Stage, form: Literal["NFC", "NFD"]) -> None:
    stage.configure("labels: {À faire: /code 3 service=api}")
    label = {"name": unicodedata.normalize(form, "à Faire")}
    assert stage.deliver("issues", payloads.issue(stage.shop, issue(stage), "labeled", label=label)).code == 204
    assert len(stage.runs()) == 1


BLANKS = "\u00a0\u2003\u2009\u202f\u3000"
INVISIBLE = "\u200b\u200d\u2060\ufeff\u00ad\u200e"


@pytest.mark.parametrize("blank", BLANKS)
def test_every_blank_separates(stage: Stage, blank: str) -> None:
    assert stage.comment(issue(stage), f"/code{blank}3{blank}service=api{blank}").code == 204
    assert stage.run().spec.service == "api"  # type: ignore[union-attr]


@pytest.mark.parametrize("character", INVISIBLE)
def test_invisible_characters_are_not_there(stage: Stage, character: str) -> None:
    assert stage.comment(issue(stage), f"{character}/code{character} 3{character} service=api{character}").code == 204
    assert stage.run().spec.service == "api"  # type: ignore[union-attr]


@pytest.mark.parametrize(("word", "task"), [("1.2", "1.2"), ("HAM-1", "HAM-1"), ("#3", 3), ("٣", None), ("3️⃣", None)])
def test_each_id_of_task_master_is_taken(stage: Stage, word: str, task: int | str | None) -> None:
    number = issue(stage)
    assert stage.comment(number, f"/code {word} service=api").code == 204
    assert [run.spec.task_id for run in stage.runs()] == ([task] if task else [])  # type: ignore[union-attr]
    assert task or "must be a number from 1" in stage.answers(number)[0]


@pytest.mark.parametrize("by", ["octocat", "mallory"])
def test_a_command_is_its_authors_whoever_edits_the_comment(stage: Stage, by: str) -> None:
    """A maintainer who mends the spelling of somebody's comment does not give the command in it."""
    number = issue(stage)
    payload = stage.commented(number, "/code 3 service=api", "mallory")
    assert stage.deliver("issue_comment", payload).code == 204
    payload["comment"]["updated_at"] = stage.shop.place.now()
    edited = payloads.issue_comment(stage.shop, number, payload["comment"], "edited")
    edited["sender"] = edited["sender"] | {"login": by}
    assert stage.deliver("issue_comment", edited).code == 204
    assert stage.runs() == []
    assert stage.answers(number) == []


@pytest.mark.parametrize("command", ["/code 3 service=api", "/retry"])
def test_a_later_cancel_wins_over_an_older_command(stage: Stage, command: str) -> None:
    run, number = stage.asked_for()
    stage.ends(run)
    older = queued(stage, "issue_comment", stage.commented(number, command))
    stage.clock.later(minutes=1)
    stage.comment(number, "/cancel")
    stage.clock.later(hours=1)
    before = len(stage.runs())
    assert stage.take(older).code == 204
    assert len(stage.runs()) == before
    assert retries(stage.now(run)) == 0


@pytest.mark.parametrize("by", ["mallory", "dependabot[bot]"])
def test_a_cancel_without_permission_has_no_effect(stage: Stage, by: str) -> None:
    number = issue(stage)
    older = queued(stage, "issue_comment", stage.commented(number, "/code 3 service=api"))
    stage.comment(number, "/cancel", by)
    assert stage.take(older).code == 204
    assert len(stage.runs()) == 1


def test_a_deleted_comment_starts_nothing(stage: Stage) -> None:
    number = issue(stage)
    event = queued(stage, "issue_comment", stage.commented(number, "/code 3 service=api"))
    stage.shop.comments.clear()
    assert stage.take(event).code == 503, "GitHub may not show it yet"
    stage.clock.later(minutes=11)
    assert stage.take(event).code == 204
    assert stage.runs() == []


def test_the_other_ending_of_the_file_is_read(stage: Stage) -> None:
    stage.shop.files["main", ".github/orchestrator.yml"] = b"service: api"
    stage.comment(issue(stage), "/code 3")
    assert stage.run().spec.service == "api"  # type: ignore[union-attr]


def test_a_corrected_command_is_taken_once(stage: Stage) -> None:
    number = issue(stage)
    payload = stage.commented(number, "/code three service=api")
    assert stage.deliver("issue_comment", payload).code == 204
    assert "must be a number" in stage.answers(number)[0]
    stage.clock.later(minutes=1)
    comment = payload["comment"]
    comment |= {"body": "/code 3 service=api", "updated_at": stage.shop.place.now()}
    for guid in ("a", "b"):
        edited = payloads.issue_comment(stage.shop, number, comment, "edited")
        assert stage.deliver("issue_comment", edited, guid).code == 204
    assert stage.run().spec.task_id == 3  # type: ignore[union-attr]
    comment |= {"body": "/code 4 service=api", "updated_at": stage.shop.place.now()}
    stage.deliver("issue_comment", payloads.issue_comment(stage.shop, number, comment, "edited"))
    assert len(stage.runs()) == 1


def test_a_mistake_on_a_long_issue_is_answered_once(stage: Stage) -> None:
    number = issue(stage)
    for _ in range(1100):
        stage.shop.comment(number, "hello")
    payload = stage.commented(number, "/code three")
    for guid in ("a", "b", "c"):
        assert stage.deliver("issue_comment", payload, guid).code == 204
    assert len(stage.answers(number)) == 1


@pytest.mark.parametrize(("bots", "runs"), [(["Renovate[bot]"], 1), (["other[bot]"], 0), ([], 0)])
def test_commands_of_listed_bots_count(stage: Stage, bots: list[str], runs: int) -> None:
    github = stage.services.settings.github.model_copy(update={"bots": bots})
    stage.services = replace(stage.services, settings=stage.services.settings.model_copy(update={"github": github}))
    assert stage.comment(issue(stage), "/code 3 service=api", "renovate[bot]").code == 204
    assert len(stage.runs()) == runs


@pytest.mark.parametrize("configured", [True, False])
def test_closing_an_issue_cancels_its_runs_where_that_is_configured(stage: Stage, configured: bool) -> None:
    stage.configure(f"cancelOnClose: {str(configured).lower()}")
    run, number = stage.asked_for()
    done = stage.ends(stage.asked_for()[0])
    assert stage.deliver("issues", payloads.issue(stage.shop, number, "closed")).code == 204
    assert bool(stage.now(run).cancel) is configured
    assert not stage.now(done).cancel


@pytest.mark.parametrize(("by", "expected"), [("octocat", 1), ("mallory", 0), ("ci[bot]", 0)])
def test_re_run_on_our_check_is_a_retry(stage: Stage, by: str, expected: int) -> None:
    run, pull = stage.with_pull()
    check = payloads.check_run(stage.shop, run.status.branch or "", name="orchestrator", external_id=run.uid)
    check["check_run"]["pull_requests"] = [{"number": pull["number"]}]
    check |= {"action": "rerequested", "sender": stage.shop.shown()["owner"] | {"login": by, "type": "User"}}
    for _ in range(2):
        assert stage.deliver("check_run", check, "one").code == 204
    assert retries(stage.now(run)) == expected
