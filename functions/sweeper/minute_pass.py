"""The pass over unfinished runs, each minute: it moves every run that events should have moved, and reports it.

Runs are listed from the API server's cache, so that the runs which are kept cost nothing; one that needs an action is
read again before it. Live attempts are listed before that, so that each run which is driven is at least as new as what
is known of its attempt. A pass that runs out of time hands on, and the next one continues there.
"""

from dataclasses import dataclass, field
from functools import partial

from functions.cluster.kinds import RUNS
from functions.events.event import SWEEP_DUE
from functions.manifests.checkpoint import Cursor
from functions.reconciler.reconciler import ActionTaken, Preloaded, run_steps
from functions.runs.lifecycle.actions import Nothing
from functions.runs.lifecycle.decide import decide
from functions.runs.lifecycle.observed import Observed
from functions.runs.model.run import Run, parse
from functions.serving.dependencies import Dependencies
from functions.serving.http import Answer
from functions.storage.error_isolation import isolate_errors
from functions.storage.run_store import UNFINISHED
from functions.sweeper import redelivery, slots
from functions.sweeper.live_attempts import LiveAttempts
from functions.sweeper.overdue_reports import OverdueReports
from functions.sweeper.pass_continuation import PassContinuation
from functions.sweeper.repairs import RepairLog
from functions.sweeper.scan import PagedScan, TimeBudget
from functions.sweeper.slots import SlotAssigner

FIRST = Cursor(next(iter(RUNS)))
"""Where a pass begins that continues no other."""


def run_pass(deps: Dependencies) -> Answer:
    """Run one pass; return which runs failed, how often each action was taken and where the next pass continues.

    Raises ClusterError.
    """
    minute_pass = MinutePass(deps)
    minute_pass.drive_all()
    minute_pass.assign_slots()
    minute_pass.request_redeliveries()
    return minute_pass.answer()


@dataclass
class Outcome:
    """The result of a pass."""

    looked: int = 0
    failed: list[str] = field(default_factory=list)
    redelivered: int = 0
    left_at: Cursor | None = None
    """Where time ran out."""


class MinutePass:
    """One pass, from where the last one stopped. Its methods raise ClusterError."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps, self._budget = deps, TimeBudget(deps.clock)
        self._continuation = PassContinuation(deps, "sweep", SWEEP_DUE, [*RUNS])
        self._continues = self._continuation.cursor not in (None, FIRST)
        self._slots, self._live, self._reports = SlotAssigner(deps), LiveAttempts(deps), OverdueReports(deps)
        self._outcome, self._repairs = Outcome(), RepairLog()

    def drive_all(self) -> None:
        """Drive the remaining runs, at least one, until all are done or time is over."""
        outcome = self._outcome
        scan = PagedScan(self._deps, [*RUNS.values()], self._continuation.cursor, labels=UNFINISHED, cached=True)
        for raw in scan:
            if outcome.looked and self._budget.over:
                return self._stop(scan.at)
            run = parse(raw)
            outcome.looked += 1
            if not self._drive(run):
                outcome.failed.append(run.key)
        return self._continuation.done()

    def _stop(self, at: Cursor) -> None:
        self._outcome.left_at = at
        self._continuation.continue_from(at)

    def _drive(self, run: Run) -> bool:
        """Drive the run unless it only lacks a slot, then report it; return whether both succeeded."""
        with self._repairs.record(run.key) as taken:
            succeeded = isolate_errors(run.key, partial(self._move, run, taken))
        return self._reports.catch_up(run) is not False and succeeded

    def _move(self, run: Run, taken: list[ActionTaken]) -> None:
        if not self._slots.consider(run):
            self._advance(run, taken)

    def _advance(self, run: Run, taken: list[ActionTaken]) -> None:
        if _needs_action(self._deps, run, self._live.known(run)):
            current = self._deps.runs.reread(run)  # perhaps with another attempt
            run_steps(self._deps, current, self._live.known(current), taken)

    def assign_slots(self) -> None:
        """Start the runs that got a slot, and show the others that they wait, while there is time."""
        complete = not (self._continues or self._outcome.left_at)
        failed, finished = slots.start_runs(
            self._deps, self._slots.assign(complete=complete), self._budget, self._repairs
        )
        self._outcome.failed += failed
        if not (finished or self._outcome.left_at):
            self._stop(FIRST)

    def request_redeliveries(self) -> None:
        """Ask GitHub for the deliveries that failed, while there is time."""
        if self._deps.github and not self._outcome.left_at:
            self._outcome.redelivered = redelivery.request_failed(self._deps, self._deps.github, self._budget)

    def answer(self) -> Answer:
        """Return the outcome: `failed` names the runs with errors, `healed` counts the actions taken."""
        outcome = self._outcome
        data = {
            "looked": outcome.looked,
            "failed": outcome.failed,
            "healed": self._repairs.by_action,
            "redelivered": outcome.redelivered,
            "left_at": str(outcome.left_at) if outcome.left_at else None,
        }
        message = f"looked at {outcome.looked} runs"
        if outcome.left_at:
            message += f", out of time at {outcome.left_at}"
        return Answer(200, {"success": not outcome.failed, "message": message, "data": data})


def _needs_action(deps: Dependencies, run: Run, known: Preloaded) -> bool:
    """Return whether anything is to be done for the run as it was listed."""
    observed = Observed(run, known.job, known.pods)
    return not isinstance(decide(observed, deps.clock(), deps.policy), Nothing)
