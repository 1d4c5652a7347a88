"""Text of people is data: shown in replies, verbatim in prompts, and without any other effect."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from functions.github.commands import parse as commands
from functions.github.commands import replies
from functions.github.commands.configuration import BadConfiguration, parse
from functions.github.markdown import MAX_COMMENT_LENGTH
from functions.reconciler import rendering
from functions.runs.model import origin
from functions.runs.model.run import Run
from tests.github.delivery_bench import DeliveryBench
from tests.support.builders import run as built
from tests.support.github import payloads
from tests.support.github.content import user

HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned #",
    '"; touch pwned; "',
    "{{ 7 * 7 }}{% raw %}",
    "</code></pre><img src=x onerror=alert(1)>",
    "@everyone @acme/security",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "https://evil.example",
    "```\n@octocat\n```",
    "<!-- orchestrator:answer=0 -->",
    "../../../etc/passwd",
    "a\u202e\u2066b\u200bc",
    "\u0000\u0007",
    "x=y,agents.platform/kind!=z",
    "#1 acme/shop#2 GH-3",
]


ACTIVE = re.compile(r"@\w|://|#\d|GH-\d|pwned")
"""Text that GitHub turns into a mention or a link."""


def outside_code(text: str) -> Iterator[Token]:
    """Yield the tokens that GitHub renders of a reply without its first line, our marker."""
    for token in MarkdownIt("gfm-like", {"linkify": False}).enable("table").parse(text):
        yield from token.children or [token]


def assert_only_shown(text: str) -> None:
    """Assert that a reply renders text of people only as code or plain text."""
    assert len(text) < MAX_COMMENT_LENGTH
    assert not {"\u202e", "\u2066", "\u200b", "\0"} & set(text)
    for token in outside_code(text):
        assert token.type not in ("html_block", "html_inline", "link_open", "image"), token
        if token.type == "text":
            assert not ACTIVE.search(token.content), token


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_arguments_are_only_shown(bench: DeliveryBench, hostile: str) -> None:
    line = hostile.replace("\n", " ")
    number = bench.issue(hostile, hostile)
    for body in (
        f"/code {line}",
        f"/code 3 service={line}",
        f'/docs "{line}"',
        f"/docs x agent={line}",
        f"/code 3 service=a branch={line} model={line}",
        f"/cancel {line}",
    ):
        assert bench.comment(number, body).code == 204
    for answer in bench.answers(number):
        assert_only_shown(answer)
    assert len(bench.answers(number)) >= 4
    assert all(call.path.startswith(("/repos/acme/shop/", "/app/")) for call in bench.github.calls)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_retry_instructions_change_only_the_prompt(bench: DeliveryBench, hostile: str) -> None:
    _, pull = bench.with_pull()
    assert bench.comment(pull["number"], f"/retry please {hostile}").code == 204
    found = bench.reopened(bench.run())
    words = bench.prompt()
    seen = hostile.translate({ord(each): None for each in "\u202e\u2066\u200b\0\u0007"})
    assert words.replace("\ufffd", "").strip() == f"please {seen}".strip()
    files, plain = _files(bench, found, words), _files(bench, found, "plain words")
    assert {name for name in files if files[name] != plain[name]} == {"prompt.md"}
    assert words in files["prompt.md"]


def _files(bench: DeliveryBench, run: Run, words: str) -> dict[str, str]:
    """Return the task files of an attempt."""
    assert run.spec
    spec = run.spec.model_copy(update={"prompt_modification": words})
    return dict(rendering.task_files(bench.services.settings, replace(run, spec=spec)).files)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_reviews_and_checks_become_prompt_text_only(bench: DeliveryBench, hostile: str) -> None:
    bench.configure("maxRetries: 9")
    run, pull = bench.with_pull()
    review = payloads.review(bench.shop, pull["number"], "changes_requested", hostile)
    bench.shop.review_comments[1] = {
        "pull_request_review_id": review["review"]["id"],
        "path": hostile,
        "body": hostile,
    }
    assert bench.deliver("pull_request_review", review).code == 204
    assert bench.retries() == 1
    bench.ends(bench.reopened(bench.run()))
    check = payloads.check_run(bench.shop, run.status.branch or "", name=hostile, output={"summary": hostile})
    check["check_run"]["details_url"] = hostile
    assert bench.deliver("check_run", check).code == 204
    assert bench.retries() == 2
    assert bench.answers(pull["number"]) == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_titles_labels_logins_and_branches_have_no_effect(bench: DeliveryBench, hostile: str) -> None:
    bench.configure(f"labels: {{document: /docs}}\nassignees: {{{json.dumps(hostile)}: /docs}}")
    number = bench.shop.open_pull(hostile, hostile, title=f"Task 3: {hostile}")["number"]
    label = payloads.pull_request(bench.shop, number, "labeled", label={"name": hostile})
    assert bench.deliver("pull_request", label).code == 204
    assert bench.runs() == []
    stranger = payloads.pull_request(bench.shop, number, "labeled", hostile, label={"name": "document"})
    assert bench.deliver("pull_request", stranger).code == 204
    assert bench.runs() == []
    for event, payload in (
        ("pull_request", payloads.pull_request(bench.shop, number, "opened", hostile)),
        ("delete", payloads.branch_deleted(bench.shop, hostile, hostile)),
        ("check_run", payloads.check_run(bench.shop, hostile)),
        ("pull_request_review", payloads.review(bench.shop, number, "changes_requested", hostile, hostile)),
    ):
        assert bench.deliver(event, payload).code == 204
    assert bench.world.calls.writes == []
    mapped = payloads.pull_request(bench.shop, number, "assigned", assignee=user(hostile))
    assert bench.deliver("pull_request", mapped).code == 204
    for made in bench.runs():  # a valid branch name becomes the run's base branch
        assert made.spec is not None
        assert made.spec.base_branch == hostile
        assert origin.from_object(made.raw) is not None
    for answer in bench.answers(number):
        assert_only_shown(answer)


@pytest.mark.parametrize(
    "branch", ["agents/../kube-system-3f2b8", "agents/a/b-3f2b8", "agents/A-3f2b8", "agents/x%2e-3f2b8"]
)
def test_a_branch_that_only_resembles_a_runs_causes_no_call(bench: DeliveryBench, branch: str) -> None:
    assert bench.deliver("check_run", payloads.check_run(bench.shop, branch)).code == 204
    assert bench.world.calls.calls == []


TEXT = st.text(st.sampled_from("`@#<>[]()!*_\\\n\r\t |~-/=\"'&;:.x\u202e\0") | st.characters(), max_size=60)
WRITTEN = st.tuples(TEXT, st.sampled_from(["", "@octocat", "https://evil.example", "<b>", "[a](b)", "#1"])).map("".join)


@settings(deadline=None, max_examples=60)
@given(WRITTEN)
def test_any_text_is_only_shown_in_replies(written: str) -> None:
    line = written.replace("\n", " ").replace("\r", " ")
    for body in (f"/code {line}", f"/docs x{line} {line}", f"/code 1 {line}=x", f"/status {line}", f'/docs "{line}'):
        for found in commands.parse_comment(body):
            if isinstance(found, commands.InvalidCommand):
                assert_only_shown(replies.mistake(found))
    assert_only_shown(replies.refused(written))
    assert_only_shown(replies.bad_configuration([written, written]))
    for text in (f"{written}: 1", f"labels: {{{json.dumps(written)}: x}}", written):
        try:
            parse(text)
        except BadConfiguration as bad:
            assert_only_shown(replies.bad_configuration(bad.problems))


def _status(written: str, url: str | None = None) -> dict[str, Any]:
    reason = {"type": "Succeeded", "status": "False", "reason": written, "lastTransitionTime": "2026-01-02T03:04:05Z"}
    status = {"phase": "Failed", "message": written, "branch": written, "attempt": 1, "conditions": [reason]}
    return status | ({"pullRequestUrl": url} if url else {})


@settings(deadline=None, max_examples=60)
@given(WRITTEN)
def test_any_text_of_a_status_is_only_shown_in_replies(written: str) -> None:
    reply = replies.status(built(status=_status(written)))
    assert_only_shown(reply)
    assert "**Failed**" in reply


@pytest.mark.parametrize(
    ("url", "links"),
    [
        ("https://github.example/acme/shop/pull/7", 1),
        ("javascript:alert(1)", 0),
        ("https://a.example/) [x](https://evil.example", 0),
        ("https://a.example/><img src=x>", 0),
        ("https://a.example/\n@everyone", 0),
    ],
)
def test_only_a_valid_http_url_becomes_a_link(url: str, links: int) -> None:
    tokens = list(outside_code(replies.status(built(status=_status("", url)))))
    assert [token.attrs["href"] for token in tokens if token.type == "link_open"] == [url] * links
    assert all(token.type not in ("html_inline", "html_block") for token in tokens)
    assert not [token for token in tokens if token.type == "text" and "everyone" in token.content]
