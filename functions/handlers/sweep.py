"""The function `sweep`: the scheduled pass that heals whatever events missed.

It drives every run without the mark of a finished one, and reports what was not told of it in time. Attempts under
way are listed before the runs, so that each run is at least as new as what is known of its attempt. When its time is
nearly over it hands on, and the next one goes on from there. Once an hour, there is a pass over everything.
"""

from dataclasses import dataclass, field
from functools import partial

from functions.cluster.kinds import RUNS
from functions.events.event import RETENTION_DUE, SWEEP_DUE, MalformedError
from functions.manifests.checkpoint import Cursor
from functions.reconciler.reconciler import ActionTaken, Preloaded, run_steps
from functions.reporting.reporter import CatchUp, reporters
from functions.runs.lifecycle.actions import Nothing
from functions.runs.lifecycle.decide import decide
from functions.runs.lifecycle.observed import Observed
from functions.runs.model.run import Run, parse
from functions.serving.dependencies import Dependencies
from functions.serving.http import Answer, Request
from functions.storage.isolation import isolate_errors
from functions.storage.run_store import UNFINISHED
from functions.sweeper import slots
from functions.sweeper.handover import Handover
from functions.sweeper.live_attempts import LiveAttempts
from functions.sweeper.repairs import RepairLog
from functions.sweeper.scan import PagedScan, TimeBudget
from functions.sweeper.slots import SlotAssigner

FIRST = Cursor(next(iter(RUNS)))
"""Where a pass begins."""


def handle(services: Dependencies, request: Request) -> Answer:
    """Answers what was done, which runs could not be driven, and where the next pass goes on, if not at the start.

    An event of the type RETENTION_DUE asks for the hourly pass over everything; whatever else comes, for this one.
    """
    if _type(request) == RETENTION_DUE:
        from functions.sweeper import retention  # once an hour

        return retention.handle(services)
    sweep = Sweep(services)
    sweep.drive_all()
    sweep.give_out_places()
    sweep.ask_for_deliveries()
    return sweep.answer()


def _type(request: Request) -> str:
    try:
        return request.received.event().type
    except MalformedError:
        return ""


@dataclass
class Found:
    """What a pass came to."""

    looked: int = 0
    failed: list[str] = field(default_factory=list)
    redelivered: int = 0
    left_at: Cursor | None = None
    """Where it ran out of time."""


class Sweep:
    """One pass, from where the last one came to. Its methods raise a ClusterError."""

    def __init__(self, services: Dependencies) -> None:
        self._services, self._deadline = services, TimeBudget(services.clock)
        self._handover = Handover(services, "sweep", SWEEP_DUE, [*RUNS])
        self._resumes = self._handover.cursor not in (None, FIRST)
        self._places, self._alive = SlotAssigner(services), LiveAttempts(services)
        self._reports = CatchUp(services, reporters(services))
        self._found, self._healed = Found(), RepairLog()

    def drive_all(self) -> None:
        """Drives each run that is left, at least one of them, until all are or time is over."""
        walk, found = PagedScan(self._services, [*RUNS.values()], self._handover.cursor, labels=UNFINISHED), self._found
        for raw in walk:
            if found.looked and self._deadline.over:
                return self._stop(walk.at)
            run = parse(raw)
            found.looked += 1
            found.failed += [] if self._drive(run) else [run.key]
        return self._handover.done()

    def _stop(self, at: Cursor) -> None:
        self._found.left_at = at
        self._handover.hand_on(at)

    def _drive(self, run: Run) -> bool:
        with self._healed.run(run.key) as taken:
            step = partial(self._advance, run, taken)
            went_well = self._places.see(run) or isolate_errors(run.key, step)
        return self._reports.report_if_overdue(run) is not False and went_well

    def _advance(self, run: Run, taken: list[ActionTaken]) -> None:
        services, known = self._services, self._alive.known(run)
        if self._resumes and _is_due(services, run, known):  # its page is as old as the first of these passes
            run = services.runs.reread(run)
        run_steps(services, run, known, taken)

    def give_out_places(self) -> None:
        """Starts who got a place and shows the others that they wait, while there is time."""
        whole = not (self._resumes or self._found.left_at)
        given = self._places.given(whole=whole)
        failed, all_of_them = slots.start(self._services, given, self._deadline, self._healed)
        self._found.failed += failed
        if not (all_of_them or self._found.left_at):
            self._stop(FIRST)

    def ask_for_deliveries(self) -> None:
        """Has GitHub send again what failed to arrive, while there is time."""
        github = self._services.github
        if github and not self._found.left_at:
            from functions.sweeper import redelivery  # only where there is an App to call GitHub as

            self._found.redelivered = redelivery.ask(self._services, github, self._deadline)

    def answer(self) -> Answer:
        """`failed` are the runs that could not be driven, `healed` is how often each action was taken."""
        found = self._found
        data = {
            "looked": found.looked,
            "failed": found.failed,
            "healed": self._healed.by_action,
            "redelivered": found.redelivered,
            "left_at": str(found.left_at) if found.left_at else None,
        }
        message = f"looked at {found.looked} runs" + (f", out of time at {found.left_at}" if found.left_at else "")
        return Answer(200, {"success": not found.failed, "message": message, "data": data})


def _is_due(services: Dependencies, run: Run, known: Preloaded) -> bool:
    """Whether anything is to be done for the run as it was listed."""
    seen = Observed(run, known.job, known.pods)
    return not isinstance(decide(seen, services.clock(), services.policy), Nothing)
