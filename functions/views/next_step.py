"""What to do next about a run, in one line: pure."""

from dataclasses import dataclass

from functions.runs.admission.position import Position
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model.reasons import FollowUp, Reason, follow_up, row
from functions.runs.model.run import Run
from functions.runs.model.status import rfc3339


@dataclass(frozen=True, slots=True)
class NextStepCommands:
    """How the asker sees a run go, reads its log, tries a code run and asks for a docs run again; with {name}."""

    watch: str
    log: str
    retry: str
    docs: str


COMMANDS = NextStepCommands(
    watch="orchestrator runs watch {name}",
    log="orchestrator runs logs {name}",
    retry="orchestrator runs retry {name} --message 'what to do otherwise'",
    docs="orchestrator task docs",
)


def next_step(run: Run, position: Position | None = None, ways: NextStepCommands = COMMANDS) -> str:
    """What to do next about the run as it is, naming the asker's way where there is one."""
    if run.deleting:
        return "it is being deleted; nothing to do"
    state = states.state(run.status)
    if state in states.FINISHED:
        return _after(run, state, ways)
    if run.cancel:
        return f"it stops; see it end with: {ways.watch.format(name=run.name)}"
    return _during(run, state, position, ways)


def _during(run: Run, state: State, position: Position | None, ways: NextStepCommands) -> str:
    reason = _reason(run)
    if follow_up(reason) is FollowUp.WAIT_FOR_FIX:
        return f"mend what the message names ({row(reason).remedy}); the run is retried by itself"
    if state is State.RUNNING:
        return f"wait, or see what its agent does with: {ways.watch.format(name=run.name)}"
    if position:
        return f"wait: it is {position} in the queue, and starts by itself ({position.waits_for})"
    if run.status.next_attempt_at and state is State.WAITING:
        return f"wait: the next attempt starts by itself at {rfc3339(run.status.next_attempt_at)}"
    return f"wait: it starts by itself; see it start with: {ways.watch.format(name=run.name)}"


def _after(run: Run, state: State, ways: NextStepCommands) -> str:
    if state is State.SUCCEEDED:
        return _result(run)
    if run.spec is None:
        return f"submit it again with a valid spec: {run.spec_error}"
    retry, submit = f"try again with: {ways.retry.format(name=run.name)}", f"submit it again with: {ways.docs}"
    again = retry if run.kind.is_retriable else submit
    return again if state is State.CANCELLED else f"see why with: {ways.log.format(name=run.name)}; then {again}"


def _result(run: Run) -> str:
    if run.status.pull_request_url:
        return f"review {run.status.pull_request_url}"
    if _reason(run) == Reason.NO_CHANGES or not run.status.branch:
        return "nothing to review: the agent found that nothing needed changing"
    return f"open a pull request from branch {run.status.branch}"


def _reason(run: Run) -> str:
    return run.status.succeeded.reason if run.status.succeeded else ""
