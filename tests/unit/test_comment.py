"""What GitHub is told of a run, as text; and what is kept of that on the run.

text of people and agents      in code alone: no mention, no link, no markup, whatever it is made of
its length                     always within GitHub's limits
the marker                     in our first line; found in comments by our App alone
a pull request                 title, body and compare link from the run; the status says it once
a check run                    concluded as the run is
facts and claims               a digest that changes with them alone; claims that end
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from functions.github import check, comment, markdown, pulls
from functions.github.claimed import ClaimOver, WhileClaimed
from functions.runs import attempts, origin, telling
from functions.runs.lifecycle import State, move
from functions.runs.position import Position
from functions.runs.reasons import Reason
from functions.runs.run import Run
from functions.runs.status import RunStatus, Usage
from functions.runs.telling import Told
from tests.support.builders import NOW, UID, run

APP = "12345"
NASTY = st.text(st.sampled_from("`~@#<>[]()!|\\*_-\n\r\t a/:.\u202e\u200b\x00é")) | st.text()
MARKDOWN = MarkdownIt("commonmark")


def ended(to: State = State.SUCCEEDED, reason: Reason = Reason.COMPLETED, message: str = "", **more: Any) -> Run:
    """A run at its end, with the commit `c...` pushed."""
    started = run(**more).having(attempts.start(run(**more), NOW))
    *_, last = started.status.attempts
    done = last.model_copy(update={"finished_at": NOW, "commit": "c" * 40})
    status = attempts.end_run(started, to, reason, message, NOW, attempts=[done], usage=Usage(cost_usd=1.5, turns=1))
    return started.having(status)


# Text of others -----------------------------------------------------------------------------------------------------


@given(NASTY)
def test_a_code_span_is_one_code_span_and_nothing_else(text: str) -> None:
    (block, inline, _) = MARKDOWN.parse(f"x {markdown.code(text)} y")
    assert block.type == "paragraph_open"
    kinds = [each.type for each in inline.children or ()]
    assert kinds == (["text"] if markdown.code(text) == "(empty)" else ["text", "code_inline", "text"])


@given(NASTY)
def test_a_block_is_one_block_and_nothing_else(text: str) -> None:
    tokens = MARKDOWN.parse(f"before\n\n{markdown.block(text, 2000)}\n\nafter")
    assert [each.type for each in tokens if each.type == "fence"] == ["fence"]
    assert [each.content for each in tokens if each.type == "inline"] == ["before", "after"]


@given(NASTY)
def test_a_link_is_that_link_or_code(text: str) -> None:
    (_, inline, _) = MARKDOWN.parse(f"x {markdown.link(text)} y")
    kinds = {each.type for each in inline.children or ()}
    assert kinds <= {"text", "code_inline", "link_open", "link_close"}
    url = "https://github.example/acme/shop/pull/1"
    assert markdown.link(url) == f"<{url}>"
    assert markdown.link("javascript:alert(1)") == "`javascript:alert(1)`"


@given(NASTY, NASTY)
def test_whatever_the_run_says_the_comment_keeps_its_form(message: str, reason: str) -> None:
    found = ended(message=message[:2000])
    status = found.status
    shown = [each.model_copy(update={"reason": reason}) for each in status.conditions]
    found = found.having(status.model_copy(update={"conditions": shown, "branch": message[:200] or None}))
    text = comment.text(found)
    assert text.startswith(comment.marker(UID) + "\n")
    tokens = MARKDOWN.parse(text)
    assert sum(each.type == "fence" for each in tokens) == (1 if found.status.message else 0)
    words = "".join(
        child.content
        for token in tokens
        if token.type == "inline"
        for child in token.children or ()
        if child.type == "text"
    )
    assert "@" not in words
    assert len(text) <= markdown.LONGEST_COMMENT
    assert len(check.body(found, "")["output"]["summary"]) <= markdown.LONGEST_COMMENT


def test_what_is_too_long_is_cut_and_says_so() -> None:
    text = markdown.block("x" * 5000, 2000)
    assert markdown.CUT in text
    assert len(text) < 2100


# The comment --------------------------------------------------------------------------------------------------------


def test_it_says_what_is_known_and_what_to_do() -> None:
    text = comment.text(ended(message="done"))
    for words in ("**Task 3** for `api`", "**Succeeded** (`Completed`)", "`rex`", "$1.50, 1 turn\n", "`/retry`"):
        assert words in text
    assert "In the queue" not in text
    assert "- In the queue: 2 of 5" in comment.text(run(), Position(2, 5, "a place"))
    assert "**Documentation** of `.` on `main`" in comment.text(run("DocsRun"))
    assert "`/cancel`" in comment.text(run())
    assert "**Deleted**" in comment.text(run(deletionTimestamp="2026-01-02T03:00:00Z"))
    assert "**Run** `run-1`" in comment.text(run(spec={"taskId": 0})), "also of one whose spec is not valid"


def test_only_the_apps_own_comments_are_ours_the_oldest_first() -> None:
    text, bot = comment.marker(UID) + "\nx", {"login": "a[bot]", "type": "Bot"}
    app = {"id": int(APP), "client_id": "Iv1.abc"}
    mine = {"id": 7, "body": text, "user": bot, "performed_via_github_app": app}
    older = mine | {"id": 3}
    others = [
        mine | {"user": {"login": "mallory", "type": "User"}},
        mine | {"performed_via_github_app": None},
        mine | {"performed_via_github_app": {"id": 1}},
        mine | {"user": None},
        mine | {"body": None},
        mine | {"body": f"> {text}"},
        mine | {"body": comment.marker("another")},
    ]
    assert comment.ours([mine, *others, older], UID, APP) == [older, mine]
    assert comment.ours([mine], UID, "Iv1.abc") == [mine], "the client id may be configured"


# The pull request ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("acme/shop", "Asked for in #7"),
        ("acme/docs", "Asked for in acme/docs#7"),
        ("acme/shop](https://evil.example)", None),
        ("@everyone", None),
    ],
)
def test_a_pull_request_links_where_it_was_asked_for(asked: str, line: str | None) -> None:
    found = ended(annotations=origin.annotations(origin.Origin(asked, 7)))
    pull = pulls.wanted(found, "acme/shop")
    assert (pull.title, pull.base) == ("Task 3: work on api", "main")
    assert ("Asked" in pull.body) == (line is not None)
    assert (line or "") in pull.body
    assert "@" not in pull.body


def test_the_compare_link_has_branches_in_it_and_nothing_else() -> None:
    pull = pulls.Pull("acme/shop", "agents/a?b#c", "release/1 2", "", "")
    link = pulls.compare(pull, "github.example")
    assert link == "https://github.example/acme/shop/compare/release/1%202...agents/a%3Fb%23c?expand=1"


def test_the_status_says_once_what_became_of_the_pull_request() -> None:
    pull = pulls.wanted(ended(), "acme/shop")
    before = ended(message="pushed x. No pull request was opened; to open one: https://elsewhere").status
    opened = pulls.opened(before, "https://g/1", 1, NOW)
    assert (opened.message, opened.pull_request_url) == ("pushed x. Pull request: https://g/1", "https://g/1")
    refused = pulls.not_opened(before, pull, "github.example", "no\x1b right", NOW)
    again = pulls.not_opened(refused, pull, "github.example", "no right", NOW)
    assert again.message == refused.message
    assert (again.message or "").count("No pull request") == 1
    assert {each.message for each in again.conditions} == {again.message}
    long = pulls.opened(ended(message="x" * 2000).status, "https://g/1", 1, NOW)
    assert len(long.message or "") <= 2000
    assert (long.message or "").endswith("https://g/1")


# The check run ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "reason", "conclusion"),
    [
        (State.SUCCEEDED, Reason.COMPLETED, "success"),
        (State.SUCCEEDED, Reason.NO_CHANGES, "neutral"),
        (State.FAILED, Reason.MAX_TURNS, "failure"),
        (State.CANCELLED, Reason.CANCELLED, "cancelled"),
    ],
)
def test_the_check_concludes_as_the_run_does(to: State, reason: Reason, conclusion: str) -> None:
    wanted = check.body(ended(to, reason), "https://g/1#c")
    assert (wanted["status"], wanted["conclusion"], wanted["external_id"]) == ("completed", conclusion, UID)
    assert wanted["details_url"] == "https://g/1#c"
    assert check.says(wanted, wanted)
    assert not check.says({**wanted, "output": {"title": "other"}}, wanted)
    assert "details_url" not in check.body(ended(), "javascript:x")


def test_while_another_attempt_works_the_check_is_in_progress() -> None:
    again = ended().having(attempts.reopen(ended(spec={"contextVersion": 2}), NOW))
    assert check.body(again, "")["status"] == "in_progress"
    assert "conclusion" not in check.body(again, "")


# What is kept of it -------------------------------------------------------------------------------------------------


def noted(found: Run, patch: telling.Patch) -> Run:
    """The run with the annotations of a patch."""
    kept = {key: text for key, text in patch["metadata"]["annotations"].items() if text is not None}
    again = run(annotations={**kept, **origin.annotations(origin.Origin("acme/shop", 7))})
    return again.having(found.status)


def test_what_was_told_is_not_told_again_until_a_fact_changes() -> None:
    found = noted(ended(), {"metadata": {"annotations": {}}})
    assert telling.untold(found, on_github=True)
    found = noted(found, telling.note(found, Told(telling.digest(found), 5)))
    assert telling.told(found.raw).comment == 5
    assert not telling.untold(found, on_github=True)
    assert telling.untold(found.having(found.status.model_copy(update={"message": "other"})), on_github=True)
    same = found.status.model_copy(update={"reported": "1/succeeded", "last_update": NOW + timedelta(days=1)})
    assert not telling.untold(found.having(same), on_github=True), "not of what nobody is told"
    assert telling.untold(noted(found, telling.unsaid(found)), on_github=True)


def test_a_run_that_does_not_concern_github_is_not_told_of() -> None:
    assert not telling.untold(ended(), on_github=False)
    assert telling.untold(ended(), on_github=True)
    assert not telling.untold(run(), on_github=True), "nobody has looked at it yet"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"digest": 3}', '{"comment": "x"}', "null"])
def test_a_note_that_nobody_can_read_is_none(text: str) -> None:
    assert telling.told(run(annotations={telling.TOLD: text}).raw) == Told()
    assert telling.taken(run(annotations={telling.TELLING: text or "2026-01-01"}).raw, NOW) == 0


def test_a_claim_holds_for_its_time_and_a_rest_as_long_as_github_says() -> None:
    claimed = noted(ended(), telling.claim(run(), NOW))
    assert telling.taken(claimed.raw, NOW) == 120
    assert telling.taken(claimed.raw, NOW + timedelta(minutes=2)) == 0
    assert telling.attended(claimed.raw, NOW + timedelta(minutes=16))
    assert not telling.attended(claimed.raw, NOW + timedelta(minutes=18))
    for seconds, rests in ((None, 10), (1, 10), (600, 600), (10_000_000, 3600)):
        assert telling.taken(noted(ended(), telling.rest(run(), NOW, seconds)).raw, NOW) == rests


class Sent:
    """Calls that are kept, and answered with nothing."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def get(self, path: str, **query: str) -> Any:
        self.sent.append(f"GET {path}")

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        self.sent.append(f"GET {path}")
        return iter(())

    def post(self, path: str, body: Any = None) -> Any:
        self.sent.append(f"POST {path}")

    def patch(self, path: str, body: Any) -> Any:
        self.sent.append(f"PATCH {path}")

    def delete(self, path: str) -> None:
        self.sent.append(f"DELETE {path}")


@pytest.mark.parametrize(("until", "writes"), [(NOW + timedelta(seconds=1), True), (NOW, False), (None, True)])
def test_nothing_is_written_once_the_claim_is_over(until: datetime | None, writes: bool) -> None:
    sent = Sent()
    calls = WhileClaimed(sent, until, lambda: NOW)
    calls.get("a")
    calls.pages("b")
    calls.delete("c")  # the younger of two that are alike
    for write in (lambda: calls.post("d", {}), lambda: calls.patch("e", {})):
        with suppress(ClaimOver):
            write()
    assert sent.sent == ["GET a", "GET b", "DELETE c", *(["POST d", "PATCH e"] if writes else [])]


def test_commits_are_named_once_each_in_the_order_of_their_last_attempt() -> None:
    def told(*commits: str | None) -> list[str]:
        made = [attempts.start(run(), NOW).attempts[0].model_copy(update={"commit": each}) for each in commits]
        return telling.commits(run().having(RunStatus(attempts=made)))

    assert told("a", None, "b") == ["a", "b"]
    assert told("a", "b", "a") == ["b", "a"]
    assert told(None) == []


def test_work_that_lacks_a_pull_request() -> None:
    assert telling.lacks_pull_request(ended())
    for found in (ended(State.FAILED, Reason.MAX_TURNS), ended(reason=Reason.NO_CHANGES), run()):
        assert not telling.lacks_pull_request(found)
    opened = ended().having(pulls.opened(ended().status, "https://g/1", 1, NOW))
    assert not telling.lacks_pull_request(opened)
    refused = noted(ended(), telling.note(ended(), Told(unopened=1)))
    assert not telling.lacks_pull_request(refused)
    moved = move(RunStatus(), State.FAILED, Reason.INVALID_SPEC, "", generation=1, now=NOW)
    assert not telling.lacks_pull_request(run().having(moved))
