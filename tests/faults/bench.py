"""One run on an API server of its own, at a stage of its life, with all that happens to runs: functions, people,
the kubelet, the clock. `settle` lets everything come to rest without any event; `check` says whether all is well
then.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError, NotFound
from functions.cluster.kinds import CONFIG_MAP, RUNS, Kind
from functions.cluster.transport import Transport
from functions.composition import REPORTERS
from functions.handlers import job_finished, reconcile, report, sweep
from functions.local.apiserver.store import Key
from functions.queues.publisher import PublishError
from functions.runs.lifecycle import states
from functions.runs.model import naming
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run, parse
from functions.serving.dependencies import Dependencies
from functions.serving.http import Request
from functions.settings import Settings
from tests.faults import canonical_state
from tests.faults.final_checks import FinalState
from tests.faults.invariants import InvariantChecker
from tests.faults.nodes import Nodes
from tests.faults.server import ServerWithTopics, TransportPublisher
from tests.support.api import Harness
from tests.support.builders import NOW, settings
from tests.support.memoized_server import RawTransport, ServerState, StateGraph
from tests.support.run_steps import RETENTION, event

NAMESPACE = "orchestrator"
KEY = "asked-for-once"
"""Idempotency-Key of the request that makes the run."""
NAMES = {kind: naming.run_name(f"anonymous\n{NAMESPACE}\n{kind}\nkey\n{KEY}") for kind in RUNS}
ROUNDS = 16
"""Most passes until a run rests: each of its few attempts takes three."""
HOURLY = 8
"""After so many passes comes the hourly one, which finds what others hide from the minute's."""
TEMPLATES = Path(__file__).parent / "templates"
"""One small file per kind: what the task files say does not matter here, and large ones cost time."""
PATIENT = {"pending_wait": 3600}
"""Longer than any outage here lasts: whether a stuck pod was given up meanwhile would be luck."""
SETTINGS = settings(namespace=NAMESPACE, templates=TEMPLATES, limits={"exclusive": False}, job=PATIENT)
"""Without limits: tests/fleet has runs that wait for each other."""
Wrap = Callable[[Transport], Transport]
Outcome = tuple[Any, ...]
FAILED = (ClusterError, PublishError)
"""What a function raises so that its event comes again."""


@dataclass(frozen=True)
class StartingState:
    """A moment of the life of a run of that kind: what the API server holds, and the time."""

    name: str
    kind: str
    past: StateGraph
    now: datetime = NOW
    published: frozenset[str] = frozenset()
    """Ids of the events that were published."""
    moment: ServerState | None = None
    """Of the past, where it is not the first."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def fresh_copy(self) -> "StartingState":
        """The same moment with nothing remembered; what is remembered from then on goes with it."""
        return replace(self, past=StateGraph(self.past.first.content))


def unchanged(transport: Transport) -> Transport:
    """The functions as they are."""
    return transport


class Bench:
    """A copy of a stage; `wrap` may come between the functions and the API server."""

    def __init__(self, stage: StartingState, wrap: Wrap = unchanged, settings: Settings = SETTINGS) -> None:
        self.kind, self.name = stage.kind, NAMES[stage.kind]
        self._past = stage.past
        self.server = ServerWithTopics(stage.past, set(stage.published), stage.moment)
        self.checker = InvariantChecker(self.server.content)
        self.server.observe(self.checker.see)
        self.kubelet = Cluster(self.server)
        self.nodes = Nodes(self.kubelet, NAMESPACE)
        self.harness = Harness(self.server, NAMESPACE, configured=SETTINGS)
        self.harness.now = stage.now
        self.wrap, self.settings = wrap, settings

    @cached_property
    def undecoded(self) -> RawTransport:
        """The server, whose answers are left as JSON."""
        return RawTransport(self.server)

    @cached_property
    def runs(self) -> Kind:
        """The kind of the run."""
        return RUNS[self.kind]

    def stage(self, name: str) -> StartingState:
        """The place as it is now."""
        return StartingState(
            name, self.kind, StateGraph(self.server.content), self.harness.now, frozenset(self.server.published)
        )

    @property
    def revision_key(self) -> tuple[object, ...]:
        """What decides, beside the moment and the time, what functions do here."""
        return (type(self), self.kind, self.wrap, id(self.settings))

    def twin(self) -> Callable[[], "Bench"]:
        """Makes places like this one, as it is now; they share the past."""
        stage = StartingState("", self.kind, self._past, self.harness.now, moment=self.server.moment)
        return partial(type(self), stage, self.wrap, self.settings)

    def with_revision(self, settings: Settings, wrap: Wrap) -> "Bench":
        """The same place as another revision of the functions sees it."""
        other = copy.copy(self)
        other.settings, other.wrap = settings, wrap
        return other

    def services(self, transport: Transport | None = None) -> Dependencies:
        """Services of a function whose calls go through `transport`."""
        through = self.wrap(transport or self.server)
        return Dependencies(
            self.settings,
            Cluster(through),
            lambda: self.harness.now,
            TransportPublisher(through),
            connect_reporters=REPORTERS,
        )

    def raw(self) -> dict[str, Any]:
        """The run as it is now. Raises NotFound."""
        return self.kubelet.get(self.runs, NAMESPACE, self.name)

    def run(self) -> Run | None:
        try:
            return parse(self.raw())
        except NotFound:
            return None

    def all_runs(self) -> list[Run]:
        """The run, and those that other requests made."""
        return [parse(raw) for raw in self.kubelet.list(self.runs, NAMESPACE)]

    def reconcile(self, services: Dependencies | None = None) -> None:
        """Delivers each run's very first event, late: the one that never says that nothing is to be done."""
        for run in self.all_runs():
            first = {key: value for key, value in run.raw.items() if key != "status"}
            reconcile.handle(services or self.services(), event(first))

    def job_events(self, services: Dependencies | None = None) -> None:
        """Delivers the present state of every Job."""
        for job in self.nodes.jobs():
            job_finished.handle(services or self.services(), event(job))

    def report(self, services: Dependencies | None = None) -> None:
        """Deliver the present state of every run to the report function."""
        for run in self.all_runs():
            report.handle(services or self.services(), event(run.raw))

    def sweep(self, services: Dependencies | None = None) -> None:
        sweep.handle(services or self.services(), Request({}, b""))

    def hourly(self) -> None:
        """The pass over everything, which no scenario lasts long enough for to delete anything."""
        sweep.handle(self.services(), RETENTION)

    def expire(self) -> None:
        """A day passes, and the TTL of every ended Job; its pods go with it."""
        self.harness.later(hours=25)
        for name in self.nodes.expired_jobs():
            self.checker.expired.add(name)
        self.server.collect()

    def settle(self) -> None:
        """No event comes any more: kubelet, sweep and garbage collector work until none finds anything to do.

        Nor does the hourly pass then, which looks at finished runs too.
        """
        self._rest()
        before = self.server.content.version
        self.hourly()
        if before != self.server.content.version:
            self._rest()

    def _rest(self, passes: int = ROUNDS) -> None:
        for number in range(1, passes + 1):
            self.server.collect()
            ran = self.nodes.finish_pods()
            self.harness.later(minutes=2)
            before = self.server.content.version
            self.sweep()
            if number % HOURLY == 0:
                self.hourly()
            waits = any(states.state(run.status) not in states.FINISHED for run in self.all_runs())
            if not ran and not waits and before == self.server.content.version:
                return
        self.checker.violations.append(f"it does not come to rest in {passes} passes: {self.outcome()}")

    def outcome(self) -> Outcome:
        """What became of the run, and then of the others that requests made: phase, reason, attempts.

        How many it had when it was cancelled is luck, and so is whether a spec changed before or after an attempt was
        recorded for it, whether an attempt that a queue suspended had begun, and whether a request that came again
        while the run went away made it once more, if nothing came of that.
        """
        runs = {run.name: self._outcome_of(run) for run in self.all_runs()}
        own = runs.pop(self.name, ("gone",))
        return (own, *sorted(outcome for outcome in runs.values() if outcome != ("gone",)))

    def _outcome_of(self, run: Run) -> Outcome:
        reason = run.status.succeeded.reason if run.status.succeeded else None
        if reason == "Cancelled":
            again = not run.status.attempts and self._has_tombstone(run)
            return ("gone",) if again else (run.status.phase, reason)
        lucky = (Reason.SPEC_CHANGED, Reason.REQUEUED)
        begun = [attempt for attempt in run.status.attempts if attempt.reason not in lucky]
        return (run.status.phase, reason, len(begun))

    def _has_tombstone(self, run: Run) -> bool:
        return Key("configmaps", NAMESPACE, naming.tombstone(run.kind, run.name)) in self.server.content.bodies

    def state(self) -> object:
        """All that decides what happens from here on; two places with the same state have the same future."""
        notes = self.server.moment.notes
        if "state" not in notes:
            notes["state"] = canonical_state.state(self.server.moment, NAMESPACE)
        return (self.harness.now, notes["state"], frozenset(self.checker.started), frozenset(self.server.published))

    def check(self) -> None:
        """Raises AssertionError where something was never to be, or is not as it should be in the end."""
        self.server.collect()
        maps = list(self.kubelet.list(CONFIG_MAP, NAMESPACE))
        rest = FinalState(self.all_runs(), self.nodes.jobs(), maps, self.server.published, self.checker.expired)
        wrong = self.checker.violations + rest.wrong()
        assert not wrong, "; ".join(wrong)


class StaleClockBench(Bench):
    """Its functions are broken: they look at the clock once, when they are called."""

    def services(self, transport: Transport | None = None) -> Dependencies:
        now = self.harness.now
        return replace(super().services(transport), clock=lambda: now)
