"""What people are answered: mistakes with how to do it right, refusals, how a run stands. Pure.

What they or an agent wrote is in code spans, so that an answer mentions nobody and links nowhere by their doing. A
marker nobody sees names the request that is answered, so that it is answered once.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from functions.github.commands.configuration import PATH
from functions.github.commands.parse import USAGE, InvalidCommand
from functions.github.markdown import block, code, link
from functions.github.reports.comment import is_by
from functions.github.webhook.event import dig_number, dig_text
from functions.runs.admission.position import Position
from functions.runs.model.run import Run
from functions.runs.model.specs import CodeRunSpec

Comment = Mapping[str, Any]

LONGEST_PROBLEM = 1000
MOST_PROBLEMS = 10


def marker(key: str) -> str:
    """The first line of the answer to the request with that key."""
    return f"<!-- orchestrator:answer={hashlib.sha256(key.encode()).hexdigest()[:24]} -->"


def answers(comments: Iterable[Comment], key: str, app: str) -> list[Comment]:
    """The comments of the App that answer the request, the oldest first; anybody else can write the marker too."""
    found = [each for each in comments if is_by(each, app) and dig_text(each, "body").startswith(marker(key))]
    return sorted(found, key=lambda each: dig_number(each, "id"))


def mistake(found: InvalidCommand) -> str:
    """What is wrong with a command, and how it is written."""
    return f"I cannot do that: {found.problem}\n\nUsage: {code(USAGE[found.word])}"


def unclear(word: str, why: str) -> str:
    """What is missing or wrong for a run, `why` being Markdown."""
    return mistake(InvalidCommand(word, why))


def disabled(word: str) -> str:
    """The command may not be used here."""
    return f"`/{word}` may not be used in this repository: `commands` in {code(PATH)} does not list it."


def bad_configuration(problems: Sequence[str]) -> str:
    """What is wrong with the repository's configuration."""
    lines = [f"- {code(each, LONGEST_PROBLEM)}" for each in problems[:MOST_PROBLEMS]]
    return "\n".join([f"I cannot do that, as {code(PATH)} of the default branch cannot be used:", "", *lines])


def refused(why: str) -> str:
    """The run cannot do what was asked."""
    return f"I cannot do that: {code(why, LONGEST_PROBLEM)}"


NO_RUN = "I know of no run for this. A run that was finished long ago is not kept; start another one."


def status(run: Run, position: Position | None = None) -> str:
    """How a run stands, and where in the queue, if it waits there."""
    found, spec = run.status, run.spec
    what = f"task {spec.task_id} for {code(spec.service)}" if isinstance(spec, CodeRunSpec) else "documentation"
    reason = f" ({code(found.succeeded.reason)})" if found.succeeded else ""
    lines = [f"Run {code(run.name)}, {what}: **{found.phase or 'Pending'}**{reason}", ""]
    lines += [f"- Position: {position}, waits for: {code(position.waits_for)}"] if position else []
    lines += [f"- Attempt: {found.attempt}"] if found.attempt else []
    lines += [f"- Branch: {code(found.branch)}"] if found.branch else []
    lines += [f"- Pull request: {link(found.pull_request_url)}"] if found.pull_request_url else []
    return "\n".join([*lines, "", block(found.message, 2000)] if found.message else lines)
