"""The pull request of a run: its title and body, and what the run's status says about it. Pure."""

from datetime import datetime
from urllib.parse import quote

from functions.github.markdown import code_span, sanitize
from functions.github.reports.comment import summary, took, usage_text
from functions.github.reports.pull_request_draft import PullRequestDraft
from functions.github.repository_name import repository_name
from functions.runs.model import origin, pull_request
from functions.runs.model.conditions import LIFECYCLE
from functions.runs.model.run import Run
from functions.runs.model.status import MESSAGE_LENGTH, Condition, RunStatus

MAX_TITLE_LENGTH = 256
"""Characters (GitHub: title is too long)."""

NOT_OPENED = "No pull request was opened"
"""The attempt's report begins a failure to open one like this (templates/shared/attempt_report.py)."""


def build(run: Run, repository: str) -> PullRequestDraft:
    """Return the pull request for the run's branch in the repository `owner/name`."""
    assert run.spec, "without a spec the run's repository is unknown"
    assert run.status.branch, "every attempt has a branch"
    lines = [f"Made by the agent run {code_span(run.key)} with {code_span(run.spec.model)}."]
    lines += _facts(run, repository)
    lines += summary(run)
    lines += ["", run.spec.closing_reference] if run.spec.closing_reference else []
    return PullRequestDraft(repository, run.status.branch, run.spec.base_branch, _title(run), "\n".join(lines) + "\n")


def _title(run: Run) -> str:
    """Return the title that the attempt itself would use (templates/shared/parts/save.sh)."""
    return sanitize(run.spec.title, MAX_TITLE_LENGTH) if run.spec else f"Work of {run.name}"


def _facts(run: Run, repository: str) -> list[str]:
    facts = ["", f"- Agent: {code_span(run.spec.agent)}"] if run.spec and run.spec.agent else [""]
    task = run.spec.task_identity if run.spec else None
    facts += [f"- Task: {task.id} of {code_span(task.service)}"] if task else []
    source = origin.from_object(run.raw)
    if source and repository_name(source.repository) and isinstance(source.number, int):
        place = "" if source.repository == repository else source.repository
        facts.append(f"- Asked for in {place}#{source.number}")
    if run.status.usage:
        facts.append(f"- Used: {usage_text(run.status.usage)}")
    return [*facts, *took(run.status)]


def compare_url(draft: PullRequestDraft, host: str) -> str:
    """Return the page on which a person can open it."""
    branches = f"{quote(draft.base, safe='/')}...{quote(draft.head, safe='/')}"
    return f"https://{host}/{draft.repository}/compare/{branches}?expand=1"


def with_url(status: RunStatus, url: str, generation: int, now: datetime) -> RunStatus:
    """Return the status after the pull request was opened."""
    message = _with_message(status, f"Pull request: {url}", now)
    return pull_request.set_pull_request(message, url, "Open", generation, now)


def with_refusal(status: RunStatus, draft: PullRequestDraft, host: str, reason: str, now: datetime) -> RunStatus:
    """Return the status after GitHub rejected the pull request for that reason."""
    words = f"{NOT_OPENED} ({sanitize(reason, 300)}); to open one: {compare_url(draft, host)}"
    return _with_message(status, words, now)


def _with_message(status: RunStatus, suffix: str, now: datetime) -> RunStatus:
    """Return the status with a message that ends in `suffix`, in place of the attempt's own report about it."""
    before = (status.message or "").partition(NOT_OPENED)[0].rstrip()
    message = f"{before[: MESSAGE_LENGTH - len(suffix) - 1]} {suffix}".strip()
    conditions = [_with_condition_message(condition, message) for condition in status.conditions]
    return status.model_copy(update={"message": message, "conditions": conditions, "last_update": now})


def _with_condition_message(condition: Condition, message: str) -> Condition:
    is_shown = condition.type in LIFECYCLE
    return condition.model_copy(update={"message": message}) if is_shown else condition
