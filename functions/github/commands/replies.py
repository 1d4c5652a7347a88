"""The texts of replies to commands: mistakes with the right usage, refusals, a run's status. Pure.

What people or agents wrote is in code spans, so that a reply cannot be made to mention or link anything. An invisible
marker in the first line identifies the request, so that it is answered once.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from functions.github.commands.configuration import PATH
from functions.github.commands.parse import USAGE, InvalidCommand
from functions.github.json_fields import dig_number, dig_text
from functions.github.markdown import code_span, fenced_block, link
from functions.github.reports.comment import details, is_written_by
from functions.runs.admission.position import Position
from functions.runs.model.run import Run
from functions.runs.model.run_spec import RunSpec

Comment = Mapping[str, Any]

MAX_PROBLEM_LENGTH = 1000
MAX_PROBLEMS = 10

_CANCEL_MARKER = re.compile(r"<!-- orchestrator:cancel=([^<>]+) -->$")


def marker(key: str) -> str:
    """Return the first line of the reply to the request with that key."""
    return f"<!-- orchestrator:answer={hashlib.sha256(key.encode()).hexdigest()[:24]} -->"


def cancel_marker(moment: str) -> str:
    """Return the marker with the time of a /cancel, for the first line of its reply."""
    return f"<!-- orchestrator:cancel={moment} -->"


def last_cancel(comments: Iterable[Comment], app: str) -> str:
    """Return when the last /cancel that the App replied to was made, as text that sorts; empty without one."""
    lines = (dig_text(item, "body").partition("\n")[0] for item in comments if is_written_by(item, app))
    return max((match[1] for match in map(_CANCEL_MARKER.search, lines) if match), default="")


def select_replies(comments: Iterable[Comment], key: str, app: str) -> list[Comment]:
    """Return the App's replies to the request, the oldest first; other people's comments may contain the marker too."""
    own = [item for item in comments if is_written_by(item, app) and dig_text(item, "body").startswith(marker(key))]
    return sorted(own, key=lambda comment: dig_number(comment, "id"))


def mistake(command: InvalidCommand) -> str:
    """Return what is wrong with a command, and its usage."""
    return f"I cannot do that: {command.problem}\n\nUsage: {code_span(USAGE[command.name])}"


def unclear(name: str, reason: str) -> str:
    """Return why the command of that name cannot start a run; `reason` is Markdown."""
    return mistake(InvalidCommand(name, reason))


def disabled(name: str) -> str:
    """Return that the configuration does not allow the command."""
    return f"`/{name}` is disabled in this repository: add it to `commands` in {code_span(PATH)} to allow it."


def bad_configuration(problems: Sequence[str]) -> str:
    """Return what is wrong with the repository's configuration."""
    lines = [f"- {code_span(problem, MAX_PROBLEM_LENGTH)}" for problem in problems[:MAX_PROBLEMS]]
    intro = f"I cannot do that, because {code_span(PATH)} on the default branch is not valid:"
    return "\n".join([intro, "", *lines])


def refused(reason: str) -> str:
    """Return why a request was refused."""
    return f"I cannot do that: {code_span(reason, MAX_PROBLEM_LENGTH)}"


NO_RUN = "There is no run for this issue or pull request. Finished runs are deleted after a while; start a new one."


def _work(spec: RunSpec | None) -> str:
    if spec is None:
        return "an invalid spec"
    noun = spec.purpose.noun
    return f"{noun[0].lower()}{noun[1:]}{details(spec.purpose)}"


def status(run: Run, position: Position | None = None) -> str:
    """Return a run's status, with its position in the queue if it waits there."""
    now, what = run.status, _work(run.spec)
    reason = f" ({code_span(now.succeeded.reason)})" if now.succeeded else ""
    lines = [f"Run {code_span(run.name)}, {what}: **{now.phase or 'Pending'}**{reason}", ""]
    lines += [f"- Position: {position}, waits for: {code_span(position.waits_for)}"] if position else []
    lines += [f"- Attempt: {now.attempt}"] if now.attempt else []
    lines += [f"- Branch: {code_span(now.branch)}"] if now.branch else []
    lines += [f"- Pull request: {link(now.pull_request_url)}"] if now.pull_request_url else []
    return "\n".join([*lines, "", fenced_block(now.message, 2000)] if now.message else lines)
