"""The next step for a user of a run, in one line."""

from dataclasses import dataclass

from functions.runs.admission.position import Position
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model.reasons import FollowUp, Reason, follow_up, row
from functions.runs.model.run import Run
from functions.runs.model.status import rfc3339


@dataclass(frozen=True, slots=True)
class NextStepCommands:
    """Commands of a client about a run; with {name}."""

    watch: str
    log: str
    retry: str
    """Asks for another attempt of a code run, with words to the agent."""
    again: str
    """The same without words."""
    docs: str
    """Submits a docs run."""
    code: str
    """Submits a code run."""
    diff: str
    """Shows what a run has changed; empty if the client cannot."""


COMMANDS = NextStepCommands(
    watch="orchestrator runs watch {name}",
    log="orchestrator runs logs {name}",
    retry="orchestrator runs retry {name} --message 'what to do differently'",
    again="orchestrator runs retry {name}",
    docs="orchestrator task docs",
    code="orchestrator task code",
    diff="orchestrator runs diff {name}",
)


def next_step(run: Run, position: Position | None = None, commands: NextStepCommands = COMMANDS) -> str:
    """Return what to do next about the run, with the client's command if there is one."""
    if run.deleting:
        return "it is being deleted; nothing to do"
    state = states.state(run.status)
    if state in states.FINISHED:
        return _after(run, state, commands)
    if run.cancel:
        return f"it is stopping; follow it with: {commands.watch.format(name=run.name)}"
    return _during(run, state, position, commands)


def _during(run: Run, state: State, position: Position | None, commands: NextStepCommands) -> str:
    reason = _reason(run)
    if follow_up(reason) is FollowUp.WAIT_FOR_FIX:
        return f"fix what the message names ({row(reason).remedy}); the run is retried automatically"
    if state is State.RUNNING:
        return f"wait, or follow its agent with: {commands.watch.format(name=run.name)}"
    if position:
        return f"wait: it is {position} in the queue, and starts automatically ({position.waits_for})"
    if run.status.next_attempt_at and state is State.WAITING:
        return f"wait: the next attempt starts automatically at {rfc3339(run.status.next_attempt_at)}"
    return f"wait: it starts automatically; follow it with: {commands.watch.format(name=run.name)}"


def _after(run: Run, state: State, commands: NextStepCommands) -> str:
    if state is State.SUCCEEDED:
        return _result(run, commands)
    if run.spec is None:
        return f"submit it again with a valid spec: {run.spec_error}"
    if state is State.CANCELLED:
        return _again(run, commands.retry, commands)
    reason = _reason(run)
    if reason == Reason.INVALID_INPUT:
        submit = commands.code if run.kind.is_retriable else commands.docs
        retry = f", or mend the repository and {_again(run, commands.again, commands)}" if run.kind.is_retriable else ""
        return f"correct what the message names and submit it again with: {submit}{retry}"
    if remedy := row(reason).remedy:
        return f"{remedy}; then {_again(run, commands.again, commands)}"
    return f"find the cause with: {commands.log.format(name=run.name)}; then {_again(run, commands.retry, commands)}"


def _again(run: Run, retry: str, commands: NextStepCommands) -> str:
    """Return how to try again: another attempt, or for a kind without retries another run."""
    if run.kind.is_retriable:
        return f"try again with: {retry.format(name=run.name)}"
    return f"submit it again with: {commands.docs}"


def _result(run: Run, commands: NextStepCommands) -> str:
    if run.status.pull_request_url:
        return f"review {run.status.pull_request_url}"
    if _reason(run) == Reason.NO_CHANGES or not run.status.branch:
        return "nothing to review: the agent found that nothing needed changing"
    see = f"see what changed with: {commands.diff.format(name=run.name)}; then " if commands.diff else ""
    return f"{see}open a pull request from branch {run.status.branch}"


def _reason(run: Run) -> str:
    return run.status.succeeded.reason if run.status.succeeded else ""
