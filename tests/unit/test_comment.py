"""Reports to GitHub of a run in comments, as text.

| about                          | is so                                                                       |
|--------------------------------|-----------------------------------------------------------------------------|
| text of people and agents      | in code alone: no mention, no link, no markup, whatever it is made of       |
| its length                     | always within GitHub's limits                                               |
| the marker                     | in our first line; found in comments by our App alone                       |
"""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from functions.github import markdown
from functions.github.reports import check, comment
from functions.runs.admission.position import Position
from tests.support.builders import UID, ended, run

APP = "12345"
NASTY = st.text(st.sampled_from("`~@#<>[]()!|\\*_-\n\r\t a/:.\u202e\u200b\x00é")) | st.text()
MARKDOWN = MarkdownIt("commonmark")


# Text of others -----------------------------------------------------------------------------------------------------


@given(NASTY)
def test_a_code_span_is_one_code_span_and_nothing_else(text: str) -> None:
    (block, inline, _) = MARKDOWN.parse(f"x {markdown.code_span(text)} y")
    assert block.type == "paragraph_open"
    kinds = [each.type for each in inline.children or ()]
    assert kinds == (["text"] if markdown.code_span(text) == "(empty)" else ["text", "code_inline", "text"])


@given(NASTY)
def test_a_block_is_one_block_and_nothing_else(text: str) -> None:
    tokens = MARKDOWN.parse(f"before\n\n{markdown.fenced_block(text, 2000)}\n\nafter")
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
    status = found.status.model_copy(update={"summary": message[:2000] or None})
    shown = [each.model_copy(update={"reason": reason}) for each in status.conditions]
    found = found.with_status(status.model_copy(update={"conditions": shown, "branch": message[:200] or None}))
    text = comment.text(found)
    assert text.startswith(comment.marker(UID) + "\n")
    tokens = MARKDOWN.parse(text)
    assert sum(each.type == "fence" for each in tokens) == (2 if found.status.message else 0)
    words = "".join(
        child.content
        for token in tokens
        if token.type == "inline"
        for child in token.children or ()
        if child.type == "text"
    )
    assert "@" not in words
    assert len(text) <= markdown.MAX_COMMENT_LENGTH
    assert len(check.body(found, "")["output"]["summary"]) <= markdown.MAX_COMMENT_LENGTH


def test_what_is_too_long_is_cut_and_says_so() -> None:
    text = markdown.fenced_block("x" * 5000, 2000)
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
    assert comment.select_own([mine, *others, older], UID, APP) == [older, mine]
    assert comment.select_own([mine], UID, "Iv1.abc") == [mine], "the client id may be configured"
