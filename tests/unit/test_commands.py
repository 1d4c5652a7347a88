"""Commands in GitHub comments: which lines are commands, and their arguments."""

import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.github.commands import lines, paragraphs
from functions.github.commands.lines import COMMAND_NAMES
from functions.github.commands.parse import (
    MAX_COMMANDS,
    MAX_INSTRUCTIONS_LENGTH,
    USAGE,
    Cancel,
    Command,
    InvalidCommand,
    Retry,
    StartRun,
    Status,
    parse_comment,
    parse_single,
)
from functions.github.markdown import MAX_COMMENT_LENGTH


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("/docs", [StartRun("docs")]),
        ("/docs services/api agent=tess", [StartRun("docs", {"agent": "tess", "directory": "services/api"})]),
        ('/docs "a b"', [StartRun("docs", {"directory": "a b"})]),
        ("/code 3 service=api", [StartRun("code", {"service": "api"}, 3)]),
        ("/code #12", [StartRun("code", {}, 12)]),
        ("/CODE 3 Service=api", [StartRun("code", {"service": "api"}, 3)]),
        ("Please\r\n/code 3\r\nthanks", [StartRun("code", {}, 3)]),
        ("  /cancel  ", [Cancel()]),
        ("/cancel!\r\nIt is the wrong one.", [Cancel()]),
        ("/status?", [Status()]),
        ("text\n/code. ", [StartRun("code")]),
        ("/retry!!\nuse the other library", [Retry("use the other library")]),
        ("\uff0fcancel\uff01", [Cancel()]),
        ("- /cancel\n- /status", [Cancel(), Status()]),
        ("1. first\n   /cancel", [Cancel()]),
        ("text\n/status", [Status()]),
        ("text  \n/status", [Status()]),
        ("text\\\n/status", [Status()]),
        ("/status\n---", [Status()]),
        ("/code", [StartRun("code")]),
        ("/code service=api", [StartRun("code", {"service": "api"})]),
        ("/code 1\n/code 2", [StartRun("code", {}, 1), StartRun("code", {}, 2)]),
        ("/retry", [Retry()]),
        ("/retry use the other library", [Retry("use the other library")]),
        ("/retry\n\nuse `it`\r\n\r\n```\n/cancel\n```\n> quoted", [Retry("use `it`\n\n```\n/cancel\n```\n> quoted")]),
        ("/retry see /api/x\n/api/x fails", [Retry("see /api/x\n/api/x fails")]),
        ("/retry once\n/status", [Retry("once"), Status()]),
    ],
)
def test_commands_are_parsed_with_their_arguments(comment: str, expected: list[Command]) -> None:
    assert parse_comment(comment) == expected


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "/",
        "/unknown",
        "/codex 3",
        "/docs/readme.md",
        "/docs.md",
        "/docs. is the folder",
        "/docs:",
        "/\u017ftatus",  # a letter that only the Unicode rules of case equate with s
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
def test_quotes_code_and_unknown_commands_are_not_parsed_as_commands(comment: str) -> None:
    assert parse_comment(comment) == []


def test_a_command_after_a_closed_quote_or_fence_is_parsed() -> None:
    assert parse_comment("> /cancel\n\n/status") == [Status()]
    assert parse_comment("```\n/cancel\n```\n/status") == [Status()]
    assert parse_comment("<blockquote>\n\n/cancel\n\n</blockquote>\n\n/status") == [Status()]
    assert parse_comment("<!--\n/cancel\n-->\n/status") == [Status()]


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("/code three", "must be a number from 1, not `three`"),
        ("/code 0", "must be a number from 1"),
        ("/code 99999999999", "must be a number from 1"),
        ("/code 3 4", "`4` follows the number"),
        ("/code 3 sevice=api", "no option `sevice`; use one of: service, agent, model"),
        ("/code 3 service=", "service has no value"),
        ("/code 3 service=a service=b", "service is given twice"),
        ("/docs a b", "`b` is a second one"),
        ("/docs a directory=b", "the directory is given twice"),
        ("/docs service=api", "no option `service`"),
        ('/docs "a', "a double quote is not closed"),
        ("/cancel it now", "it takes no arguments, but `it` follows it"),
        ("/status all", "it takes no arguments"),
        ("/code `rm -rf`", "`` -rf` `` follows the number"),
    ],
)
def test_an_invalid_command_says_what_to_do(comment: str, says: str) -> None:
    (mistake,) = parse_comment(comment)
    assert isinstance(mistake, InvalidCommand)
    assert says in mistake.problem
    assert USAGE[mistake.name].startswith(f"/{mistake.name}")


def test_too_many_commands_are_one_invalid_command() -> None:
    assert len(parse_comment("/status\n" * MAX_COMMANDS)) == MAX_COMMANDS
    (mistake,) = parse_comment("/status\n" * (MAX_COMMANDS + 1))
    assert isinstance(mistake, InvalidCommand)


@pytest.mark.parametrize("line", ["text of one long paragraph\n", "한국어 😀\n", "paragraphs\n\n"])
def test_a_command_at_the_end_of_the_longest_comment_is_found(line: str) -> None:
    command = "\n/code 3 service=api"
    before = (line * (MAX_COMMENT_LENGTH // len(line) + 1))[: MAX_COMMENT_LENGTH - len(command)]
    assert parse_comment(before + command) == [StartRun("code", {"service": "api"}, 3)]


def test_a_comment_over_githubs_limit_is_invalid_only_if_it_contains_a_command() -> None:
    long = "x" * MAX_COMMENT_LENGTH
    for comment in (f"/CANCEL\n{long}", f"{long}\n/cancel\n/status"):
        (mistake,) = parse_comment(comment)
        assert isinstance(mistake, InvalidCommand)
        assert (mistake.name, "in a comment of its own" in mistake.problem) == ("cancel", True)
    assert parse_comment(f"{long} and no command") == []


@pytest.mark.parametrize("part", ["[![](", "*a_ ", "a\n", "<a [", "[a](b '", "x `` "])
def test_parsing_a_paragraph_takes_linear_time(part: str) -> None:
    short, long = (_calls(part * (size // len(part)) + "\n/status") for size in (250, 1000))
    assert long < 6 * short


def _calls(comment: str) -> int:
    """Return the number of function calls that parsing the comment takes."""
    calls: list[str] = []
    sys.setprofile(lambda *call: calls.append(call[1]))
    try:
        parse_comment(comment)
    finally:
        sys.setprofile(None)
    return len(calls)


def test_retry_instructions_over_the_maximum_length_are_invalid() -> None:
    assert parse_comment("/retry " + "x" * MAX_INSTRUCTIONS_LENGTH + "\u200b" * 99) == [
        Retry("x" * MAX_INSTRUCTIONS_LENGTH)
    ]
    (mistake,) = parse_comment("/retry\n" + "x" * (MAX_INSTRUCTIONS_LENGTH + 1))
    assert isinstance(mistake, InvalidCommand)
    assert "30,001 characters; shorten them to at most 30,000" in mistake.problem


def test_retry_instructions_lose_invisible_characters() -> None:
    (found,) = parse_comment("/retry use\u202e this\x07")
    assert found == Retry("use this")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("/docs", StartRun("docs")), ("/code service=api", StartRun("code", {"service": "api"})), ("/cancel", Cancel())],
)
def test_a_mapping_is_one_command_and_may_omit_the_task(text: str, expected: Command) -> None:
    assert parse_single(text) == expected


@pytest.mark.parametrize("text", ["", "docs", "/docs\n/docs", "> /docs", "/docs\ntext"])
def test_text_other_than_one_command_is_not_a_mapping(text: str) -> None:
    assert parse_single(text) is None


TEXT = st.text(st.sampled_from("/ \n\r\t>`~#-*+<!>[]()\"'\\=abc123.\0\u202e\ud800") | st.characters(), max_size=200)


FIRST = st.sampled_from(["/status", "  /code 3 service=api", "/RETRY more\t", "/docs `a", "/cancel <!--"])


@settings(deadline=None, max_examples=60)
@given(FIRST, st.sampled_from(["\n", "\r\n", " "]), TEXT)
def test_the_first_line_of_a_comment_is_read_as_the_markdown_parser_reads_it(
    first: str, between: str, rest: str
) -> None:
    comment = first + between + rest
    text = re.sub(r"\r\n?", "\n", lines.normalize(comment)).replace("\0", "\N{REPLACEMENT CHARACTER}")
    number, line = next(iter(paragraphs.lines(text)))
    found = lines.command_lines(comment)[0]
    assert number == 0
    assert line.strip().lower().startswith(f"/{found.name}")
    assert line.strip()[len(found.name) + 1 :].strip() == found.arguments


@settings(deadline=None, max_examples=60)
@given(TEXT)
def test_parsing_any_text_raises_no_error(text: str) -> None:
    for comment in (text, f"/code {text}", f"/docs {text}", f"{text}\n/retry {text}\n{text}"):
        assert all(each.name in COMMAND_NAMES for each in parse_comment(comment))


LINE = st.text(st.characters(exclude_characters="\r\n`~<>", exclude_categories=["C"]), max_size=30)
PLAIN = st.lists(LINE | st.sampled_from([f"/{word}" for word in COMMAND_NAMES]), max_size=6).map("\n".join)


@settings(deadline=None, max_examples=60)
@given(PLAIN, st.sampled_from(COMMAND_NAMES), st.sampled_from("`~"), st.integers(3, 9))
def test_a_command_in_a_fence_is_ignored(inside: str, word: str, mark: str, length: int) -> None:
    fence = mark * length
    assert parse_comment(f"{fence}\n{inside}\n/{word}\n{fence}") == []


@settings(deadline=None, max_examples=60)
@given(PLAIN, st.sampled_from(COMMAND_NAMES), st.integers(1, 5))
def test_a_command_in_a_quote_is_ignored(inside: str, word: str, depth: int) -> None:
    quoted = "\n".join(f"{'> ' * depth}{line}" for line in f"{inside}\n/{word}".split("\n"))
    assert parse_comment(quoted) == []


@settings(deadline=None, max_examples=60)
@given(PLAIN.filter(lambda text: "-->" not in text), st.sampled_from(COMMAND_NAMES))
def test_a_command_in_an_html_comment_is_ignored(inside: str, word: str) -> None:
    assert parse_comment(f"<!--\n{inside}\n/{word}\n-->") == []


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(COMMAND_NAMES), st.lists(st.sampled_from(["- ", "* ", "+ ", "1. ", "2) "]), max_size=4))
def test_a_command_at_the_start_of_a_list_item_is_parsed(word: str, markers: list[str]) -> None:
    assert len(parse_comment(f"{''.join(markers)}/{word}")) == 1
