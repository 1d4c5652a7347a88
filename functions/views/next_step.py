"""The next step for a user of a run, in one line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from functions.runs.admission.position import Position
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model.reasons import Reason, row
from functions.runs.model.run import Run
from functions.runs.model.status import rfc3339
from functions.views.submit_command import left_out, submit_command


@dataclass(frozen=True, slots=True)
class NextStepCommands:
    """How to follow a run, find why it failed, retry it, submit it again, read it.

    Imperatives with {name}, {kind}, {command}, the command line that submits the run's request again, and {without},
    the fields that the command leaves out.
    """

    watch: str
    log: str
    retry: str
    """With words to the agent."""
    again: str
    """The same without words: what stopped the run was not the agent."""
    submit: str
    diff: str = ""
    """Empty for a client that shows no diff."""


COMMANDS = NextStepCommands(
    watch="follow it with: orchestrator runs watch {name}",
    log="find the cause with: orchestrator runs logs {name}",
    retry="try again with: orchestrator runs retry {name} --message 'what to do differently'",
    again="try again with: orchestrator runs retry {name}",
    submit="submit it again{without} with: {command}",
    diff="see what changed with: orchestrator runs diff {name}",
)


def next_step(run: Run, position: Position | None = None, commands: NextStepCommands = COMMANDS) -> str:
    """Return what to do next about the run, with the client's command if there is one."""
    if run.deleting:
        return "it is being deleted; nothing to do"
    state = states.state(run.status)
    if state in states.FINISHED:
        return _for_finished(run, state, commands)
    if run.cancel:
        return f"it is stopping; {commands.watch.format(name=run.name)}"
    return _for_unfinished(run, state, position, commands)


def _for_unfinished(run: Run, state: State, position: Position | None, commands: NextStepCommands) -> str:
    if run.status.waits_for_fix:
        return "; ".join(_for_fix(run, commands))
    if state is State.RUNNING:
        return f"wait, or {commands.watch.format(name=run.name)}"
    if position:
        return f"wait: it is {position} in the queue, and starts automatically ({position.waits_for})"
    if run.status.next_attempt_at and state is State.WAITING:
        return f"wait: the next attempt starts automatically at {rfc3339(run.status.next_attempt_at)}"
    return f"wait: it starts automatically; {commands.watch.format(name=run.name)}"


def _for_fix(run: Run, commands: NextStepCommands) -> Iterator[str]:
    yield f"fix what the message names ({row(_reason(run)).remedy})"
    at, until = run.status.next_attempt_at, run.status.pending_until
    if run.status.may_retry_now and run.kind.is_retriable:
        yield f"then {_filled(commands.again, run)}"
    yield f"the next attempt starts automatically at {rfc3339(at)}" if at else "the run goes on automatically"
    if until:
        yield f"it gives up at {rfc3339(until)}"


def _for_finished(run: Run, state: State, commands: NextStepCommands) -> str:
    if state is State.SUCCEEDED:
        return _result(run, commands)
    if run.spec is None:
        return f"submit it again with a valid spec: {run.spec_error}"
    steps = (_retry_or_submit(run, commands),) if state is State.CANCELLED else _after_failure(run, commands)
    return "; then ".join(_filled(step, run) for step in steps)


def _after_failure(run: Run, commands: NextStepCommands) -> Sequence[str]:
    reason = _reason(run)
    remedy, again = row(reason).remedy, commands.again if run.kind.is_retriable else commands.submit
    if not remedy or reason == Reason.AGENT_ERROR:
        return commands.log, _retry_or_submit(run, commands)
    if reason == Reason.INVALID_INPUT and run.kind.is_retriable:
        return remedy, f"{again}, or {commands.submit}"
    return remedy, again


def _retry_or_submit(run: Run, commands: NextStepCommands) -> str:
    """Return how to try again: another attempt, or for a kind without retries another run."""
    return commands.retry if run.kind.is_retriable else commands.submit


def _filled(step: str, run: Run) -> str:
    without = f" without its {left_out(run)}" if left_out(run) else ""
    return step.format(name=run.name, kind=run.kind.word, command=submit_command(run), without=without)


def _result(run: Run, commands: NextStepCommands) -> str:
    if run.status.pull_request_url:
        return f"review {run.status.pull_request_url}"
    if _reason(run) == Reason.NO_CHANGES or not run.status.branch:
        return "nothing to review: the agent found that nothing needed changing"
    steps = (commands.diff.format(name=run.name), f"open a pull request from branch {run.status.branch}")
    return "; then ".join(filter(None, steps))


def _reason(run: Run) -> str:
    return run.status.succeeded.reason if run.status.succeeded else ""
