"""The sticky comment of a run: one on the issue or pull request that it came from, edited in place. Pure.

It is found again by the marker in its first line, among the App's own comments only: anyone can write the marker.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from functions.github.json_fields import dig, dig_number, dig_text, is_app
from functions.github.markdown import code_span, fenced_block, link, wrapped_block
from functions.runs import requests
from functions.runs.admission.position import Position
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model import pull_request
from functions.runs.model.run import Run
from functions.runs.model.spec_facts import Purpose
from functions.runs.model.status import MESSAGE_LENGTH, SUMMARY_LENGTH, RunStatus, Usage, time_worked

Object = Mapping[str, Any]

WORTH_SAYING = timedelta(minutes=5)
"""How long an attempt works before the comment says so."""


def marker(uid: str) -> str:
    """Return the first line, invisible on GitHub, of the comment about the run with that uid."""
    return f"<!-- orchestrator:run={uid} -->"


def text(run: Run, position: Position | None = None, now: datetime | None = None, console: str = "") -> str:
    """Return the comment for the run's present state, and its position in the queue if it waits there.

    With `now` it says for how long the run has been at work; with the console's address it links to the run's page.
    """
    lines = [marker(run.uid), f"{_work(run)}: {_state(run)}", "", *_facts(run)]
    if position:
        lines.append(f"- In the queue: {position.place} of {position.of} when this was written")
    if now:
        lines += _progress(run, now)
    if console:
        lines.append(f"- Console: {link(f'{console}/runs/{run.kind.word}/{run.name}')}")
    if run.status.message:
        lines += ["", fenced_block(run.status.message, MESSAGE_LENGTH)]
    if states.state(run.status) in states.FINISHED:
        lines += summary(run)
    return "\n".join([*lines, "", _next_step(run)]) + "\n"


def summary(run: Run) -> list[str]:
    """Return what the agent says of its work, as the last lines of a paragraph; none if it says nothing."""
    text = run.status.summary
    return ["", "The agent's summary:", "", wrapped_block(text, SUMMARY_LENGTH)] if text else []


def select_own(comments: Iterable[Object], uid: str, app: str) -> list[Object]:
    """Return the comments about the run by the App with the id or client id `app`, the oldest first."""
    own = [item for item in comments if is_written_by(item, app) and dig_text(item, "body").startswith(marker(uid))]
    return sorted(own, key=lambda item: dig_number(item, "id"))


def is_written_by(comment: Object, app: str) -> bool:
    """Return whether the App itself wrote the comment, and not a person through the App."""
    is_bot = dig_text(comment, "user", "type") == "Bot"
    return is_bot and bool(dig_number(comment, "id")) and is_app(dig(comment, "performed_via_github_app"), app)


def _work(run: Run) -> str:
    if run.spec is None:
        return f"**Run** {code_span(run.name)}"
    purpose = run.spec.purpose
    return f"**{purpose.noun}**{details(purpose)}"


def details(purpose: Purpose) -> str:
    """Return the names that belong to a purpose, as Markdown that begins with a space."""
    return "".join(f" {preposition} {code_span(name)}" for preposition, name in purpose.details.items())


def _state(run: Run) -> str:
    if run.deleting:
        return "**Deleted**"
    reason = f" ({code_span(run.status.succeeded.reason)})" if run.status.succeeded else ""
    return f"**{run.status.phase or 'Pending'}**{reason}"


def _facts(run: Run) -> Iterator[str]:
    status = run.status
    if run.spec and run.spec.agent:
        yield f"- Agent: {code_span(run.spec.agent)}"
    if status.attempt:
        yield f"- Attempt: {status.attempt}"
    if status.branch:
        yield f"- Branch: {code_span(status.branch)}"
    retries = requests.automatic_retries(run)
    if retries:
        yield f"- Retried because of feedback: {'once' if retries == 1 else f'{retries} times'}"
    if status.pull_request_url:
        yield f"- Pull request: {link(status.pull_request_url)}{_pull_request_state(run)}"
    if status.usage:
        yield f"- Used: {usage_text(status.usage)}"
    yield from took(status)
    yield f"- Run: {code_span(run.key)}"


def _pull_request_state(run: Run) -> str:
    condition = pull_request.condition_of(run.status)
    return f", {condition.reason.lower()}" if condition and pull_request.is_closed(run.status) else ""


def took(status: RunStatus) -> Iterator[str]:
    """Yield the line with the time of a finished run's attempts, without the pauses between them."""
    spans = ((attempt.started_at, attempt.finished_at) for attempt in status.attempts)
    worked = time_worked(spans, status.finished_at) if status.finished_at else None
    if worked is not None:
        yield f"- Took: {duration(worked)}"


def _progress(run: Run, now: datetime) -> Iterator[str]:
    """Yield a line with the duration of the attempt, once it is long enough."""
    attempt = run.status.open_attempt
    if states.state(run.status) is State.RUNNING and attempt and now - attempt.started_at >= WORTH_SAYING:
        yield f"- At work for {duration(now - attempt.started_at)}"


def duration(time: timedelta) -> str:
    """Return a duration in hours and minutes, such as `1h5m` or `25m`; `1m` is the shortest."""
    hours, minutes = divmod(max(1, int(time.total_seconds()) // 60), 60)
    return f"{hours}h{minutes}m" if hours else f"{minutes}m"


def usage_text(usage: Usage) -> str:
    """Return cost and turns."""
    return f"${usage.cost_usd:.2f}, {usage.turns} {'turn' if usage.turns == 1 else 'turns'}"


def _next_step(run: Run) -> str:
    if run.deleting:
        return "The run was deleted; its pushed commits are kept. To start a new run, repeat the command."
    if states.state(run.status) not in states.FINISHED:
        return "To stop it, comment `/cancel`."
    if run.kind.is_retriable:
        return "To retry, comment `/retry` and what should be done differently."
    return f"To run it again, comment `/{run.kind.word}`."
