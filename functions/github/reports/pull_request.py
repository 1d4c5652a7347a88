"""The pull request of a run: what it says, and what the run's status says of it. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from urllib.parse import quote

from functions.github.markdown import code, shown
from functions.runs.model import origin, pull_request
from functions.runs.model.run import Run
from functions.runs.model.specs import CodeRunSpec, DocsRunSpec
from functions.runs.model.status import MESSAGE_LENGTH, Condition, RunStatus

LONGEST_TITLE = 256
"""Characters (GitHub: title is too long)."""

NOT_OPENED = "No pull request was opened"
"""How the attempt itself says so (templates/shared/attempt_report.py)."""

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request of a repository, from `head` to `base`."""

    repository: str
    head: str
    base: str
    title: str
    body: str


def build(run: Run, repository: str) -> Pull:
    """The pull request for the work of the run, which has a branch, in the repository `owner/name`."""
    assert run.spec, "else nobody knows its repository"
    assert run.status.branch, "every attempt has one"
    lines = [f"Made by the agent run {code(run.key)} with {code(run.spec.model)}."]
    lines += _facts(run, repository)
    return Pull(repository, run.status.branch, run.spec.base_branch, _title(run), "\n".join(lines) + "\n")


def _title(run: Run) -> str:
    """As the attempt itself would have it (templates/shared/parts/save.sh)."""
    match run.spec:
        case CodeRunSpec() as spec:
            return f"Task {spec.task_id}: work on {spec.service}"
        case DocsRunSpec(working_directory="."):
            return "docs: document the tasks"
        case DocsRunSpec() as spec:
            return shown(f"docs: document the tasks of {spec.working_directory}", LONGEST_TITLE)
        case None:
            return f"Work of {run.name}"
        case _ as other:
            assert_never(other)


def _facts(run: Run, repository: str) -> list[str]:
    found = ["", f"- Agent: {code(run.spec.agent)}"] if run.spec and run.spec.agent else [""]
    if isinstance(run.spec, CodeRunSpec):
        found.append(f"- Task: {run.spec.task_id} of {code(run.spec.service)}")
    asked = origin.from_object(run.raw)
    if asked and _REPOSITORY.fullmatch(asked.repository) and isinstance(asked.number, int):
        place = "" if asked.repository == repository else asked.repository
        found.append(f"- Asked for in {place}#{asked.number}")
    return found


def compare(pull: Pull, host: str) -> str:
    """Where a person opens it."""
    branches = f"{quote(pull.base, safe='/')}...{quote(pull.head, safe='/')}"
    return f"https://{host}/{pull.repository}/compare/{branches}?expand=1"


def with_url(status: RunStatus, url: str, generation: int, now: datetime) -> RunStatus:
    """The status once there is a pull request."""
    return pull_request.set_pull_request(
        _with_message(status, f"Pull request: {url}", now), url, "Open", generation, now
    )


def with_refusal(status: RunStatus, pull: Pull, host: str, why: str, now: datetime) -> RunStatus:
    """The status once GitHub has refused to open one, and said why."""
    words = f"{NOT_OPENED} ({shown(why, 300)}); to open one: {compare(pull, host)}"
    return _with_message(status, words, now)


def _with_message(status: RunStatus, words: str, now: datetime) -> RunStatus:
    """The status whose message ends in `words`, in place of what the attempt itself said about it."""
    before = (status.message or "").partition(NOT_OPENED)[0].rstrip()
    message = f"{before[: MESSAGE_LENGTH - len(words) - 1]} {words}".strip()
    conditions = [_with_condition_message(each, message) for each in status.conditions]
    return status.model_copy(update={"message": message, "conditions": conditions, "last_update": now})


def _with_condition_message(condition: Condition, message: str) -> Condition:
    ours = condition.type in ("Succeeded", "Ready")
    return condition.model_copy(update={"message": message}) if ours else condition
