"""Parses the commands in a comment. Pure.

A command that cannot be parsed becomes an InvalidCommand whose problem is shown to its author; what they wrote is
quoted in code spans.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from functions.github.commands import lines
from functions.github.commands.lines import CommandLine
from functions.github.markdown import MAX_COMMENT_LENGTH, code_span, sanitize
from functions.runs.model.field_rules import is_valid
from functions.runs.model.fields import INT32, TaskId
from functions.runs.model.kinds import BY_WORD, RunKind
from functions.runs.model.specs import SPECS

_FIELDS: Mapping[str, Sequence[str]] = {
    "service": ("service",),
    "agent": ("github_app",),
    "model": ("model",),
    "branch": ("branch", "source_branch"),
    "directory": ("working_directory",),
    "tools": ("tool_config",),
}
"""The options of commands that start a run, and the fields of a spec that each may set."""


def _options(kind: RunKind) -> Mapping[str, str]:
    fields = SPECS[kind].model_fields
    return {name: field for name, candidates in _FIELDS.items() for field in candidates if field in fields}


OPTIONS: Mapping[str, Mapping[str, str]] = {word: _options(kind) for word, kind in BY_WORD.items()}
"""The options of each kind's command, and the field that each sets; `agent` names an App (spec_builder.py)."""

TAKES_TASK = {word: "task_id" in SPECS[kind].model_fields for word, kind in BY_WORD.items()}
"""Whether the argument of a kind's command is a task; else it is a directory."""


def _usage(word: str) -> str:
    first, omitted = ("[task]", "") if TAKES_TASK[word] else ("[directory]", "directory")
    choices = {"tools": "minimal|default|advanced"}
    options = [f"[{name}={choices.get(name, '...')}]" for name in OPTIONS[word] if name != omitted]
    return " ".join((f"/{word}", first, *options))


USAGE: Mapping[str, str] = {
    **{word: _usage(word) for word in BY_WORD},
    "retry": "/retry [what to do differently, also over several lines]",
    "cancel": "/cancel",
    "status": "/status",
}

MAX_INSTRUCTIONS_LENGTH = 30_000
"""Characters of a retry's instructions; a prompt holds 32,000 (runs/model/fields.py)."""

MAX_COMMANDS = 10
"""Commands of one comment; with more, none is run."""

_TOO_LONG = (
    f"the comment has more than {MAX_COMMENT_LENGTH:,} characters, so its commands were not read;"
    " write the command in a comment of its own."
)

_OPTION = re.compile(r"([A-Za-z-]+)=(.*)", re.DOTALL)
_TASK = re.compile(r"#?([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class StartRun:
    """/docs, /code or the word of another kind: start a run."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    """Values by the names of OPTIONS."""
    task: int | str | None = None
    """The task; None for a kind without one, or if it is the issue, or in the issue's title."""


@dataclass(frozen=True, slots=True)
class Retry:
    """/retry: another attempt of the run."""

    instructions: str = ""
    """Instructions for the next attempt."""
    name: str = "retry"


@dataclass(frozen=True, slots=True)
class Cancel:
    """/cancel: stop the run."""

    name: str = "cancel"


@dataclass(frozen=True, slots=True)
class Status:
    """/status: show the run's status."""

    name: str = "status"


@dataclass(frozen=True, slots=True)
class InvalidCommand:
    """A command that cannot be run as written."""

    name: str
    problem: str
    """Markdown; what people wrote is in code spans."""


Command = StartRun | Retry | Cancel | Status | InvalidCommand


def parse_comment(comment: str, app: str = "") -> Sequence[Command]:
    """Return the commands in a comment, in order; one InvalidCommand if the comment or their number is too long.

    `app` is the App's name (slug), which a command may begin with in place of the slash; empty if it is not known.
    """
    if len(comment) > MAX_COMMENT_LENGTH:
        name = lines.first_command_name(comment, app)
        return [InvalidCommand(name, _TOO_LONG)] if name else []
    commands = [_command(line) for line in lines.command_lines(comment, app)]
    if len(commands) <= MAX_COMMANDS:
        return commands
    problem = f"a comment may contain at most {MAX_COMMANDS} commands; none of these was run."
    return [InvalidCommand(commands[0].name, problem)]


def parse_single(text: str) -> Command | None:
    """Return the one command that `text` consists of, else None."""
    commands = lines.command_lines(text)
    return _command(commands[0]) if len(commands) == 1 and "\n" not in text.strip() else None


def _command(line: CommandLine) -> Command:
    try:
        if line.name == "retry":
            return Retry(_instructions("\n".join((line.arguments, line.following)).strip()))
        words = _split(line.arguments)
        if line.name in BY_WORD:
            return _with_task(line.name, words) if TAKES_TASK[line.name] else _without_task(line.name, words)
        if words:
            raise ValueError(f"it takes no arguments, but {code_span(words[0])} follows it.")
    except ValueError as error:
        return InvalidCommand(line.name, str(error))
    return Cancel() if line.name == "cancel" else Status()


def _instructions(text: str) -> str:
    """Return the sanitized instructions of a retry; raise ValueError if they are too long for a prompt."""
    clean = sanitize(text, len(text))
    if len(clean) > MAX_INSTRUCTIONS_LENGTH:
        raise ValueError(
            f"its instructions have {len(clean):,} characters; shorten them to at most {MAX_INSTRUCTIONS_LENGTH:,}."
        )
    return clean


def _split(arguments: str) -> list[str]:
    """Return the words after a command; double quotes group words. Raises ValueError."""
    parts = shlex.shlex(arguments, posix=True, punctuation_chars=False)
    parts.whitespace_split, parts.quotes, parts.escape, parts.commenters = True, '"', "", ""
    try:
        return list(parts)
    except ValueError:
        raise ValueError(f"a double quote is not closed in {code_span(arguments)}.") from None


def _without_task(word: str, words: Sequence[str]) -> StartRun:
    positional, options = _separate_options(word, words)
    if len(positional) > 1:
        raise ValueError(f"it takes one directory, but {code_span(positional[1])} is a second one.")
    if positional and "directory" in options:
        raise ValueError("the directory is given twice.")
    return StartRun(word, {**options, **({"directory": positional[0]} if positional else {})})


def _with_task(word: str, words: Sequence[str]) -> StartRun:
    positional, options = _separate_options(word, words)
    if len(positional) > 1:
        raise ValueError(f"it takes one task number and options, but {code_span(positional[1])} follows the number.")
    return StartRun(word, options, _task(positional[0]) if positional else None)


def _task(word: str) -> int | str:
    match = _TASK.fullmatch(word)
    if match and 1 <= int(match[1]) <= INT32:
        return int(match[1])
    if match or not is_valid(TaskId, word):
        raise ValueError(f"the task must be a number from 1, not {code_span(word)}, or an id such as `1.2` or `HAM-1`.")
    return word


def _separate_options(command: str, words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return positional words and options; raise ValueError for an unknown, empty or repeated option."""
    positional: list[str] = []
    options: dict[str, str] = {}
    for word in words:
        match = _OPTION.fullmatch(word)
        if not match:
            positional.append(word)
            continue
        name, value = match[1].lower(), match[2]
        if name not in OPTIONS[command]:
            raise ValueError(f"there is no option {code_span(name)}; use one of: {', '.join(OPTIONS[command])}.")
        if not value:
            raise ValueError(f"the option {name} has no value.")
        if name in options:
            raise ValueError(f"the option {name} is given twice.")
        options[name] = value
    return positional, options
