"""What people write to the orchestrator in a comment, and what is wrong with it, in words for them. Pure.

What is wrong is said with what they wrote in code spans, so that it is shown and no more.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from functions.github.commands import lines
from functions.github.commands.lines import CommandLine
from functions.github.markdown import LONGEST_COMMENT, code, shown
from functions.runs.model.fields import INT32

OPTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "docs": {
            "agent": "agent",
            "model": "model",
            "branch": "source_branch",
            "directory": "working_directory",
        },
        "code": {
            "service": "service",
            "agent": "agent",
            "model": "model",
            "branch": "branch",
            "directory": "working_directory",
            "tools": "tool_config",
        },
    }
)
"""What may follow /docs and /code as name=value, and the field of the spec that it is; `agent` is looked up first."""

USAGE: Mapping[str, str] = MappingProxyType(
    {
        "docs": "/docs [directory] [agent=...] [model=...] [branch=...]",
        "code": (
            "/code <task> [service=...] [agent=...] [model=...] [branch=...] [directory=...]"
            " [tools=minimal|default|advanced]"
        ),
        "retry": "/retry [what to do differently, also over several lines]",
        "cancel": "/cancel",
        "status": "/status",
    }
)

LONGEST_WORDS = 30_000
"""Characters handed on to a retry; a prompt takes 32,000 (runs/model/fields.py)."""

MOST_COMMANDS = 10
"""Commands of one comment; what is more is a mistake, or worse."""

_TOO_LONG = (
    f"the comment has more than {LONGEST_COMMENT:,} characters and is not read to its end;"
    " write the command in a comment of its own."
)

_OPTION = re.compile(r"([A-Za-z-]+)=(.*)", re.DOTALL)
_TASK = re.compile(r"#?([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class StartRun:
    """A run is asked for: /docs or /code."""

    word: str
    options: Mapping[str, str] = field(default_factory=dict)
    """By the names of OPTIONS."""
    task: int | None = None
    """Of /code; None where a mapping leaves it to the issue."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt of the run is asked for."""

    words: str = ""
    """What to do differently."""
    word: str = "retry"


@dataclass(frozen=True, slots=True)
class Cancel:
    """The run is to stop."""

    word: str = "cancel"


@dataclass(frozen=True, slots=True)
class Status:
    """Somebody wants to know how it stands."""

    word: str = "status"


@dataclass(frozen=True, slots=True)
class InvalidCommand:
    """It is for us, and cannot be understood."""

    word: str
    problem: str
    """In Markdown, with what people wrote in code spans."""


Command = StartRun | Retry | Cancel | Status | InvalidCommand


def find(comment: str) -> Sequence[Command]:
    """The commands in a comment, in order; one mistake where it is too long to be read to its end."""
    if len(comment) > LONGEST_COMMENT:
        word = lines.first_word(comment)
        return [InvalidCommand(word, _TOO_LONG)] if word else []
    found = [_command(line, needs_task=True) for line in lines.command_lines(comment)]
    if len(found) <= MOST_COMMANDS:
        return found
    return [
        InvalidCommand(found[0].word, f"a comment may hold at most {MOST_COMMANDS} commands; none of these was run.")
    ]


def single(text: str) -> Command | None:
    """The one command that `text` is, as a mapping has it: /code may leave the task to the issue."""
    found = lines.command_lines(text)
    return _command(found[0], needs_task=False) if len(found) == 1 and "\n" not in text.strip() else None


def _command(line: CommandLine, *, needs_task: bool) -> Command:
    try:
        if line.word == "retry":
            return Retry(_handed_on("\n".join((line.rest, line.following)).strip()))
        words = _words(line.rest)
        match line.word:
            case "docs":
                return _docs(words)
            case "code":
                return _code(words, needs_task)
        if words:
            raise ValueError(f"nothing may follow it, but {code(words[0])} does.")
    except ValueError as error:
        return InvalidCommand(line.word, str(error))
    return Cancel() if line.word == "cancel" else Status()


def _handed_on(words: str) -> str:
    """What is to be done differently. Raises ValueError where it is longer than a prompt takes."""
    clean = shown(words, len(words))
    if len(clean) > LONGEST_WORDS:
        raise ValueError(
            f"what follows it has {len(clean):,} characters, and at most {LONGEST_WORDS:,} are handed on: shorten it."
        )
    return clean


def _words(rest: str) -> list[str]:
    """The words after a command; double quotes hold one together. Raises ValueError."""
    parts = shlex.shlex(rest, posix=True, punctuation_chars=False)
    parts.whitespace_split, parts.quotes, parts.escape, parts.commenters = True, '"', "", ""
    try:
        return list(parts)
    except ValueError:
        raise ValueError(f"a double quote is not closed in {code(rest)}.") from None


def _docs(words: Sequence[str]) -> StartRun:
    plain, options = _sorted("docs", words)
    if len(plain) > 1:
        raise ValueError(f"one directory may follow it, but {code(plain[1])} is a second one.")
    if plain and "directory" in options:
        raise ValueError("the directory is given twice.")
    return StartRun("docs", {**options, **({"directory": plain[0]} if plain else {})})


def _code(words: Sequence[str], needs_task: bool) -> StartRun:
    plain, options = _sorted("code", words)
    if not plain and needs_task:
        raise ValueError("the task is missing: give its number, as in `/code 3`.")
    if len(plain) > 1:
        raise ValueError(f"only the task's number and options may follow it, but {code(plain[1])} does.")
    return StartRun("code", options, _task(plain[0]) if plain else None)


def _task(word: str) -> int:
    found = _TASK.fullmatch(word)
    if not found or not 1 <= int(found[1]) <= INT32:
        raise ValueError(f"the task must be a number from 1, not {code(word)}.")
    return int(found[1])


def _sorted(command: str, words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The plain words, and the options. Raises ValueError for an unknown, empty or repeated option."""
    plain: list[str] = []
    options: dict[str, str] = {}
    for word in words:
        found = _OPTION.fullmatch(word)
        if not found:
            plain.append(word)
            continue
        name, value = found[1].lower(), found[2]
        if name not in OPTIONS[command]:
            raise ValueError(f"there is no option {code(name)}; there are {', '.join(OPTIONS[command])}.")
        if not value:
            raise ValueError(f"the option {name} has no value.")
        if name in options:
            raise ValueError(f"the option {name} is given twice.")
        options[name] = value
    return plain, options
