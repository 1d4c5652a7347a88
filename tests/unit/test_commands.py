r"""What a comment asks of us: which of its lines are commands, and what they say.

| the line is                                                | comes to                                     |
|------------------------------------------------------------|----------------------------------------------|
| one of ours, in a paragraph or a list item, \r\n or \n       | a command                                    |
| in a block quote, a fence, indented code, a code span,     | nothing                                      |
|   an HTML comment, <pre>, <blockquote>, a link's title     |                                              |
| /unknown, /codex, in the middle of a line, a heading       | nothing                                      |
| ours and wrong                                             | a Mistake, which says what to do             |
| after /retry, up to the next command                       | what is to be done differently, as written   |
| any text at all                                            | never an error                               |
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.github.commands import (
    LONGEST_WORDS,
    MOST_COMMANDS,
    USAGE,
    Cancel,
    Command,
    Mistake,
    Retry,
    Status,
    Work,
    find,
    single,
)
from functions.github.lines import WORDS
from functions.github.markdown import CUT


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("/docs", [Work("docs")]),
        ("/docs services/api agent=tess", [Work("docs", {"agent": "tess", "directory": "services/api"})]),
        ('/docs "a b"', [Work("docs", {"directory": "a b"})]),
        ("/code 3 service=api", [Work("code", {"service": "api"}, 3)]),
        ("/code #12", [Work("code", {}, 12)]),
        ("/CODE 3 Service=api", [Work("code", {"service": "api"}, 3)]),
        ("Please\r\n/code 3\r\nthanks", [Work("code", {}, 3)]),
        ("  /cancel  ", [Cancel()]),
        ("- /cancel\n- /status", [Cancel(), Status()]),
        ("1. first\n   /cancel", [Cancel()]),
        ("text\n/status", [Status()]),
        ("text  \n/status", [Status()]),
        ("text\\\n/status", [Status()]),
        ("/status\n---", [Status()]),
        ("/code 1\n/code 2", [Work("code", {}, 1), Work("code", {}, 2)]),
        ("/retry", [Retry()]),
        ("/retry use the other library", [Retry("use the other library")]),
        ("/retry\n\nuse `it`\r\n\r\n```\n/cancel\n```\n> quoted", [Retry("use `it`\n\n```\n/cancel\n```\n> quoted")]),
        ("/retry see /api/x\n/api/x fails", [Retry("see /api/x\n/api/x fails")]),
        ("/retry once\n/status", [Retry("once"), Status()]),
    ],
)
def test_commands_are_found_with_what_they_say(comment: str, expected: list[Command]) -> None:
    assert find(comment) == expected


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "/",
        "/unknown",
        "/codex 3",
        "/docs/readme.md",
        "see /cancel",
        "**/cancel**",
        "`/cancel`",
        "# /cancel",
        "> /cancel",
        "> quoted\n/cancel",  # GitHub shows it as part of the quote
        "> > /cancel",
        "- > /cancel",
        ">\t/cancel",
        "```\n/cancel\n```",
        "```\n/cancel",
        "~~~ text\n/cancel\n~~~",
        "``````\n```\n/cancel\n```\n``````",
        "- ```\n  /cancel\n  ```",
        "    /cancel",
        "\t/cancel",
        "text\n    /cancel",
        "- text\n\n      /cancel",
        "<!-- /cancel -->",
        "<!--\n/cancel\n-->",
        "text <!--\n/cancel\n-->",
        "`code\n/cancel\n`",
        '[link](https://example.com "\n/cancel\n")',
        "![what is shown\n/cancel\ninstead](https://example.com/x.png)",
        "see /cancel ![abc\nd](https://example.com/x.png)",
        "<pre>\n/cancel\n</pre>",
        "<pre>\n\n/cancel\n\n</pre>",
        "<div>\n/cancel\n</div>",
        "<blockquote>\n\n/cancel\n\n</blockquote>",
        "a <code>\n/cancel\n\n/cancel </code>",
        "a <b>bold</b> <code>x\n/cancel\n</code>",
        "[a]: https://example.com\n'/cancel'",
    ],
)
def test_what_is_quoted_or_code_or_somebody_elses_is_no_command(comment: str) -> None:
    assert find(comment) == []


def test_what_follows_a_closed_quote_is_a_command_again() -> None:
    assert find("> /cancel\n\n/status") == [Status()]
    assert find("```\n/cancel\n```\n/status") == [Status()]
    assert find("<blockquote>\n\n/cancel\n\n</blockquote>\n\n/status") == [Status()]
    assert find("<!--\n/cancel\n-->\n/status") == [Status()]


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("/code", "the task is missing"),
        ("/code service=api", "the task is missing"),
        ("/code three", "must be a number from 1, not `three`"),
        ("/code 0", "must be a number from 1"),
        ("/code 99999999999", "must be a number from 1"),
        ("/code 3 4", "`4` does"),
        ("/code 3 sevice=api", "no option `sevice`; there are service, agent, model"),
        ("/code 3 service=", "service has no value"),
        ("/code 3 service=a service=b", "service is given twice"),
        ("/docs a b", "`b` is a second one"),
        ("/docs a directory=b", "the directory is given twice"),
        ("/docs service=api", "no option `service`"),
        ('/docs "a', "a double quote is not closed"),
        ("/cancel it now", "nothing may follow it, but `it` does"),
        ("/status?", None),
        ("/status all", "nothing may follow it"),
        ("/code `rm -rf`", "`` -rf` `` does"),
    ],
)
def test_a_mistake_says_what_to_do(comment: str, says: str | None) -> None:
    found = find(comment)
    if says is None:
        assert found == []
        return
    (mistake,) = found
    assert isinstance(mistake, Mistake)
    assert says in mistake.problem
    assert USAGE[mistake.word].startswith(f"/{mistake.word}")


def test_too_many_commands_are_one_mistake() -> None:
    assert len(find("/status\n" * MOST_COMMANDS)) == MOST_COMMANDS
    (mistake,) = find("/status\n" * (MOST_COMMANDS + 1))
    assert isinstance(mistake, Mistake)


def test_a_command_far_down_a_paragraph_is_not_looked_for() -> None:
    before = "text\n" * 100
    assert find(f"{before}/status") == [Status()]
    assert find(f"{before * 20}/status") == []
    assert find(f"{before * 20}\n/status") == [Status()]


def test_long_words_are_cut_and_say_so() -> None:
    (found,) = find("/retry " + "x" * 60_000)
    assert isinstance(found, Retry)
    assert len(found.words) == LONGEST_WORDS
    assert found.words.endswith(CUT)


def test_words_carry_nothing_that_is_not_seen() -> None:
    (found,) = find("/retry use\u202e this\x07")
    assert found == Retry("use this")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("/docs", Work("docs")), ("/code service=api", Work("code", {"service": "api"})), ("/cancel", Cancel())],
)
def test_a_mapping_has_one_command_and_may_leave_the_task_open(text: str, expected: Command) -> None:
    assert single(text) == expected


@pytest.mark.parametrize("text", ["", "docs", "/docs\n/docs", "> /docs", "/docs\ntext"])
def test_anything_else_is_no_mapping(text: str) -> None:
    assert single(text) is None


TEXT = st.text(st.sampled_from("/ \n\r\t>`~#-*+<!>[]()\"'\\=abc123.\0\u202e\ud800") | st.characters(), max_size=200)


@settings(deadline=None, max_examples=60)
@given(TEXT)
def test_no_text_is_an_error(text: str) -> None:
    for comment in (text, f"/code {text}", f"/docs {text}", f"{text}\n/retry {text}\n{text}"):
        assert all(each.word in WORDS for each in find(comment))


LINE = st.text(st.characters(exclude_characters="\r\n`~<>", exclude_categories=["C"]), max_size=30)
PLAIN = st.lists(LINE | st.sampled_from([f"/{word}" for word in WORDS]), max_size=6).map("\n".join)


@settings(deadline=None, max_examples=60)
@given(PLAIN, st.sampled_from(WORDS), st.sampled_from("`~"), st.integers(3, 9))
def test_no_command_in_a_fence_is_run(inside: str, word: str, mark: str, length: int) -> None:
    fence = mark * length
    assert find(f"{fence}\n{inside}\n/{word}\n{fence}") == []


@settings(deadline=None, max_examples=60)
@given(PLAIN, st.sampled_from(WORDS), st.integers(1, 5))
def test_no_command_in_a_quote_is_run(inside: str, word: str, depth: int) -> None:
    quoted = "\n".join(f"{'> ' * depth}{line}" for line in f"{inside}\n/{word}".split("\n"))
    assert find(quoted) == []


@settings(deadline=None, max_examples=60)
@given(PLAIN.filter(lambda text: "-->" not in text), st.sampled_from(WORDS))
def test_no_command_in_a_comment_of_html_is_run(inside: str, word: str) -> None:
    assert find(f"<!--\n{inside}\n/{word}\n-->") == []


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(WORDS), st.lists(st.sampled_from(["- ", "* ", "+ ", "1. ", "2) "]), max_size=4))
def test_a_command_at_the_start_of_a_list_item_is_run(word: str, markers: list[str]) -> None:
    assert len(find(f"{''.join(markers)}/{word}")) == 1
