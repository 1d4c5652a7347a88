"""Bench: one run on its own API server, from a starting state, with functions, people, kubelet and clock.

`settle` runs kubelet and sweep until neither changes anything; `check` then asserts invariants and final checks.
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
from functions.settings.model import Settings
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
"""Maximum of passes until a run is at rest: each of its few attempts takes three."""
HOURLY = 8
"""Passes between two hourly passes, which find runs whose labels others have changed."""
TEMPLATES = Path(__file__).parent / "templates"
"""One small template per kind: the content of task files does not matter here, and large ones cost time."""
PATIENT = {"pending_wait": 3600}
"""Seconds, longer than any outage here: otherwise the outcome of a pod that cannot start would depend on timing."""
SETTINGS = settings(namespace=NAMESPACE, templates=TEMPLATES, limits={"exclusive": False}, job=PATIENT)
"""Without limits: tests/fleet covers runs that wait for each other."""
Wrap = Callable[[Transport], Transport]
Outcome = tuple[Any, ...]
FAILED = (ClusterError, PublishError)
"""Errors of a function that lead to a redelivery of its event."""


@dataclass(frozen=True)
class StartingState:
    """A point in the life of a run of that kind: the content of the API server, and the time."""

    name: str
    kind: str
    past: StateGraph
    now: datetime = NOW
    published: frozenset[str] = frozenset()
    """Ids of the events that were published."""
    moment: ServerState | None = None
    """State of the server in `past`; None for its first one."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def fresh_copy(self) -> "StartingState":
        """Return the same state with an empty cache, so that the copy's cache is freed with the copy."""
        return replace(self, past=StateGraph(self.past.first.content))


def unchanged(transport: Transport) -> Transport:
    """Return the transport itself: functions without a defect."""
    return transport


class Bench:
    """A copy of a starting state; `wrap` may put a transport between the functions and the API server."""

    def __init__(self, start: StartingState, wrap: Wrap = unchanged, settings: Settings = SETTINGS) -> None:
        self.kind, self.name = start.kind, NAMES[start.kind]
        self._past = start.past
        self.server = ServerWithTopics(start.past, set(start.published), start.moment)
        self.checker = InvariantChecker(self.server.content)
        self.server.observe(self.checker.see)
        self.kubelet = Cluster(self.server)
        self.nodes = Nodes(self.kubelet, NAMESPACE)
        self.harness = Harness(self.server, NAMESPACE, configured=SETTINGS)
        self.harness.now = start.now
        self.wrap, self.settings = wrap, settings

    @cached_property
    def undecoded(self) -> RawTransport:
        """A transport to the server that returns answers as JSON text."""
        return RawTransport(self.server)

    @cached_property
    def runs(self) -> Kind:
        """The kind of the run."""
        return RUNS[self.kind]

    def as_starting_state(self, name: str) -> StartingState:
        """Return the present state of the bench as a starting state."""
        return StartingState(
            name, self.kind, StateGraph(self.server.content), self.harness.now, frozenset(self.server.published)
        )

    @property
    def revision_key(self) -> tuple[object, ...]:
        """Cache key of the functions: with server state and time, it determines what they do."""
        return (type(self), self.kind, self.wrap, id(self.settings))

    def twin(self) -> Callable[[], "Bench"]:
        """Return a factory for copies of the bench in its present state; the copies share the cache."""
        start = StartingState("", self.kind, self._past, self.harness.now, moment=self.server.moment)
        return partial(type(self), start, self.wrap, self.settings)

    def with_revision(self, settings: Settings, wrap: Wrap) -> "Bench":
        """Return the same bench with another revision of the functions."""
        other = copy.copy(self)
        other.settings, other.wrap = settings, wrap
        return other

    def services(self, transport: Transport | None = None) -> Dependencies:
        """Return the dependencies of a function whose calls go through `transport`."""
        through = self.wrap(transport or self.server)
        return Dependencies(
            self.settings,
            Cluster(through),
            lambda: self.harness.now,
            TransportPublisher(through),
            connect_reporters=REPORTERS,
        )

    def raw(self) -> dict[str, Any]:
        """Return the run's present object. Raise NotFound if it was deleted."""
        return self.kubelet.get(self.runs, NAMESPACE, self.name)

    def run(self) -> Run | None:
        try:
            return parse(self.raw())
        except NotFound:
            return None

    def all_runs(self) -> list[Run]:
        """Return the run, and the runs that other requests created."""
        return [parse(raw) for raw in self.kubelet.list(self.runs, NAMESPACE)]

    def reconcile(self, services: Dependencies | None = None) -> None:
        """Deliver the first event of each run late; it has no status, so that reconcile never ignores it."""
        for run in self.all_runs():
            first = {key: value for key, value in run.raw.items() if key != "status"}
            reconcile.handle(services or self.services(), event(first))

    def job_events(self, services: Dependencies | None = None) -> None:
        """Deliver an event with the present state of each Job."""
        for job in self.nodes.jobs():
            job_finished.handle(services or self.services(), event(job))

    def report(self, services: Dependencies | None = None) -> None:
        """Deliver an event with the present state of each run to the report function."""
        for run in self.all_runs():
            report.handle(services or self.services(), event(run.raw))

    def sweep(self, services: Dependencies | None = None) -> None:
        sweep.handle(services or self.services(), Request({}, b""))

    def hourly(self) -> None:
        """Run the hourly pass; no bench lives long enough for it to delete a run."""
        sweep.handle(self.services(), RETENTION)

    def expire(self) -> None:
        """Let 25 hours pass, and delete each ended Job with its pods, as at the end of its TTL."""
        self.harness.later(hours=25)
        for name in self.nodes.expired_jobs():
            self.checker.expired.add(name)
        self.server.collect()

    def settle(self) -> None:
        """Run kubelet, sweep and garbage collector, without events, until none of them changes anything.

        The hourly pass, which also reads finished runs, changes nothing then either.
        """
        self._rest()
        before = self.server.content.version
        self.hourly()
        if before != self.server.content.version:
            self._rest()

    def _rest(self) -> None:
        for number in range(1, ROUNDS + 1):
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
        self.checker.violations.append(f"not at rest after {ROUNDS} passes: {self.outcome()}")

    def outcome(self) -> Outcome:
        """Return phase, reason and number of attempts of the run, then of other runs that requests created.

        The outcome leaves out what depends on the order of events: how many attempts a cancelled run had, whether the
        spec changed before or after its attempt was recorded, whether a suspended attempt had started, and whether a
        repeated request created the run again while it was being deleted, if that run was cancelled without an attempt.
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
        """Return the state of the bench; two benches with equal states have the same future."""
        notes = self.server.moment.notes
        if "state" not in notes:
            notes["state"] = canonical_state.state(self.server.moment, NAMESPACE)
        return (self.harness.now, notes["state"], frozenset(self.checker.started), frozenset(self.server.published))

    def check(self) -> None:
        """Raise AssertionError if an invariant was violated or a final check fails."""
        self.server.collect()
        maps = list(self.kubelet.list(CONFIG_MAP, NAMESPACE))
        rest = FinalState(self.all_runs(), self.nodes.jobs(), maps, self.server.published, self.checker.expired)
        wrong = self.checker.violations + rest.wrong()
        assert not wrong, "; ".join(wrong)


class StaleClockBench(Bench):
    """A mutant: its functions read the clock only once, when they are called."""

    def services(self, transport: Transport | None = None) -> Dependencies:
        now = self.harness.now
        return replace(super().services(transport), clock=lambda: now)
