"""The sticky comment of a run: one on the issue or pull request it came from, edited in place. Pure.

It is found again by a marker in its first line, in comments by our App alone: anybody can write the marker.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, assert_never

from functions.github.markdown import block, code, link
from functions.github.webhook import event
from functions.runs.admission.position import Position
from functions.runs.lifecycle import states
from functions.runs.model.run import Run
from functions.runs.model.specs import CodeRunSpec, DocsRunSpec
from functions.runs.model.status import Usage

Object = Mapping[str, Any]


def marker(uid: str) -> str:
    """The first line of the comment about the run with that uid; nobody sees it."""
    return f"<!-- orchestrator:run={uid} -->"


def text(run: Run, position: Position | None = None) -> str:
    """The whole comment, as the run is; `position` is where it stood in the queue, if it waits there."""
    lines = [marker(run.uid), f"{_work(run)}: {_state(run)}", "", *_facts(run)]
    if position:
        lines.append(f"- In the queue: {position.place} of {position.of} when this was written")
    if run.status.message:
        lines += ["", block(run.status.message, 2000)]
    return "\n".join([*lines, "", _what_next(run)]) + "\n"


def ours(comments: Iterable[Object], uid: str, app: str) -> list[Object]:
    """The comments of the App with the id or client id `app` about the run, the oldest first."""
    found = [each for each in comments if is_by(each, app) and event.dig_text(each, "body").startswith(marker(uid))]
    return sorted(found, key=lambda each: event.dig_number(each, "id"))


def is_by(comment: Object, app: str) -> bool:
    """Whether the App itself wrote it; what a person wrote by means of the App has that person as its user."""
    bot = event.dig_text(comment, "user", "type") == "Bot"
    by_app = event.is_app(event.dig(comment, "performed_via_github_app"), app)
    return bot and bool(event.dig_number(comment, "id")) and by_app


def _work(run: Run) -> str:
    match run.spec:
        case CodeRunSpec() as spec:
            return f"**Task {spec.task_id}** for {code(spec.service)}"
        case DocsRunSpec() as spec:
            return f"**Documentation** of {code(spec.working_directory)} on {code(spec.source_branch)}"
        case None:
            return f"**Run** {code(run.name)}"
        case _ as other:
            assert_never(other)


def _state(run: Run) -> str:
    if run.deleting:
        return "**Deleted**"
    reason = f" ({code(run.status.succeeded.reason)})" if run.status.succeeded else ""
    return f"**{run.status.phase or 'Pending'}**{reason}"


def _facts(run: Run) -> Iterator[str]:
    status = run.status
    if run.spec and run.spec.agent:
        yield f"- Agent: {code(run.spec.agent)}"
    if status.attempt:
        yield f"- Attempt: {status.attempt}"
    if status.branch:
        yield f"- Branch: {code(status.branch)}"
    if status.pull_request_url:
        yield f"- Pull request: {link(status.pull_request_url)}"
    if status.usage:
        yield f"- Used: {_used(status.usage)}"
    yield f"- Run: {code(run.key)}"


def _used(usage: Usage) -> str:
    return f"${usage.cost_usd:.2f}, {usage.turns} {'turn' if usage.turns == 1 else 'turns'}"


def _what_next(run: Run) -> str:
    if run.deleting:
        return "The run was deleted; what it pushed is kept. Ask again to have the work done."
    if states.state(run.status) not in states.FINISHED:
        return "To stop it, comment `/cancel`."
    if run.kind.is_retriable:
        return "To have it tried again, comment `/retry` and what should be done differently."
    return "To have it done again, comment `/docs`."
