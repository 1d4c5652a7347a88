"""The text of the comment about a run."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from functions.github import markdown
from functions.github.reports import check, comment, pull_request
from functions.runs.admission.position import Position
from tests.support.builders import NOW, UID, ended, run

APP = "12345"
NASTY = st.text(st.sampled_from("`~@#<>[]()!|\\*_-\n\r\t a/:.\u202e\u200b\x00é")) | st.text()
MARKDOWN = MarkdownIt("commonmark")


# Text of people and agents ------------------------------------------------------------------------------------------


@given(NASTY)
def test_code_span_renders_any_text_as_one_code_span(text: str) -> None:
    (block, inline, _) = MARKDOWN.parse(f"x {markdown.code_span(text)} y")
    assert block.type == "paragraph_open"
    kinds = [each.type for each in inline.children or ()]
    assert kinds == (["text"] if markdown.code_span(text) == "(empty)" else ["text", "code_inline", "text"])


@given(NASTY)
def test_fenced_block_renders_any_text_as_one_fence(text: str) -> None:
    tokens = MARKDOWN.parse(f"before\n\n{markdown.fenced_block(text, 2000)}\n\nafter")
    assert [each.type for each in tokens if each.type == "fence"] == ["fence"]
    assert [each.content for each in tokens if each.type == "inline"] == ["before", "after"]


@given(NASTY)
def test_link_renders_http_urls_as_links_and_other_text_as_code(text: str) -> None:
    (_, inline, _) = MARKDOWN.parse(f"x {markdown.link(text)} y")
    kinds = {each.type for each in inline.children or ()}
    assert kinds <= {"text", "code_inline", "link_open", "link_close"}
    url = "https://github.example/acme/shop/pull/1"
    assert markdown.link(url) == f"<{url}>"
    assert markdown.link("javascript:alert(1)") == "`javascript:alert(1)`"


@given(NASTY, NASTY)
def test_any_message_or_reason_leaves_the_comments_structure_intact(message: str, reason: str) -> None:
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


def test_a_long_block_is_cut_with_a_notice() -> None:
    text = markdown.fenced_block("x" * 5000, 2000)
    assert markdown.CUT in text
    assert len(text) < 2100


# The comment --------------------------------------------------------------------------------------------------------


def test_the_comment_shows_the_runs_facts_and_next_commands() -> None:
    text = comment.text(ended(message="done"))
    for words in ("**Task 3** for `api`", "**Succeeded** (`Completed`)", "`rex`", "$1.50, 1 turn\n", "`/retry`"):
        assert words in text
    assert "In the queue" not in text
    assert "- In the queue: 2 of 5" in comment.text(run(), Position(2, 5, "a place"))
    assert "**Documentation** of `.` on `main`" in comment.text(run("DocsRun"))
    assert "`/cancel`" in comment.text(run())
    assert "**Deleted**" in comment.text(run(deletionTimestamp="2026-01-02T03:00:00Z"))
    assert "**Run** `run-1`" in comment.text(run(spec={"taskId": 0})), "also for a run whose spec is not valid"


def test_the_time_of_a_run_on_github_is_that_of_its_attempts() -> None:
    found = ended()
    (attempt,) = found.status.attempts
    first = attempt.model_copy(update={"started_at": NOW, "finished_at": NOW + timedelta(minutes=10)})
    second = attempt.model_copy(update={"started_at": NOW + timedelta(hours=5), "finished_at": None})
    times = {"attempts": [first, second], "started_at": NOW, "finished_at": NOW + timedelta(hours=5, minutes=15)}
    later = found.with_status(found.status.model_copy(update=times))
    assert "- Took: 25m\n" in comment.text(later)
    branch = later.status.model_copy(update={"branch": "agents/b"})
    assert "- Took: 25m\n" in pull_request.build(later.with_status(branch), "acme/shop").body
    without = found.with_status(found.status.model_copy(update={"attempts": [], "started_at": None}))
    assert "Took" not in comment.text(without)


def test_only_the_apps_own_comments_are_selected_oldest_first() -> None:
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
