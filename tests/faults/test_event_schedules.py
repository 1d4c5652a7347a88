"""Random schedules of events, faults, people and operations of the cluster.

Events are dropped, duplicated, delayed and reordered, functions crash or get errors, time passes, people act. Then
events stop, and the sweep alone completes the run. Hypothesis chooses the steps and shrinks a failure to a short
schedule; FAULT_SEED repeats it. The ending of each attempt is fixed in advance, so that a run has one outcome,
whatever the schedule, unless people or others act.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from functions.cluster.errors import NotFound
from functions.cluster.transport import Transport
from functions.handlers import job_finished, reconcile, report
from functions.local.apiserver.store import Change
from tests.faults.bench import FAILED, NAMESPACE, Bench, Outcome, StartingState
from tests.faults.cluster_operations import CLUSTER
from tests.faults.conftest import SCALE, SEED
from tests.faults.invariants import JOB, RUNS
from tests.faults.nodes import WELL, ContainerEnd
from tests.faults.operations import submits, submits_another
from tests.faults.starting_states import KINDS, new, starting_state
from tests.support.crashing import CrashingTransport, Killed
from tests.support.injected_errors import ALL_LATER_CALLS, INJECTED_ERRORS, ErrorInjector
from tests.support.run_steps import LOST, VERBS, event

SCHEDULES = 300
"""Schedules per test, at SCALE=1."""
STEPS = (12, 40)
"""Fewest and most steps of a schedule."""
ATTEMPTS = 6
"""Maximum of attempts with a chosen ending; further ones succeed."""
ENDINGS = [
    WELL,
    ContainerEnd(LOST, ok=False),
    ContainerEnd("", ok=False),
    ContainerEnd("", ok=True),
    ContainerEnd("", ok=False, terminated={"reason": "OOMKilled", "exitCode": 137}),
]


@dataclass(frozen=True)
class Step:
    """One step of a schedule. `which` chooses the event, `fault` the fault at call `at` (0: none)."""

    what: str
    which: int = 0
    fault: int = 0
    at: int = 0


BY_OTHERS = {operation.__name__: operation for operation in CLUSTER}
FAULTLESS = 0
CRASHES = (1, 2)
KINDS_OF_FAULT = 3 + 2 * len(INJECTED_ERRORS)
"""None, a crash before or after the call, each error once, and each error for all calls from then on."""

_faults = st.one_of(st.just(FAULTLESS), st.integers(0, KINDS_OF_FAULT - 1))
_calls = st.integers(0, 7)
_indexes = st.integers(0, 50)
_with_faults = st.builds(Step, st.sampled_from(["delivers"] * 4 + ["redelivers", "sweeps"]), _indexes, _faults, _calls)
_quiet = st.builds(Step, st.sampled_from(["drops", "minute", "second", "pods_come_up", "pods_end"]), _indexes)
_people = st.builds(
    Step,
    st.sampled_from(["cancels", "retries", "deletes", "submits", "submits_another"]),
    st.just(0),
    _faults,
    _calls,
)
_by_others = st.builds(Step, st.sampled_from([*BY_OTHERS]))
_endings = st.lists(st.sampled_from(ENDINGS), max_size=ATTEMPTS)


class Schedule:
    """One run and its undelivered events."""

    def __init__(self, start: StartingState, endings: Sequence[ContainerEnd]) -> None:
        self.bench = Bench(start)
        self.bench.nodes.endings = _numbered(endings)
        self.underway: list[tuple[str, str, str]] = []
        self.bench.server.observe(self._notice)

    def _notice(self, change: Change) -> None:
        if change.key.resource in (*RUNS, JOB):
            self.underway.append((change.key.resource, VERBS[change.type], change.body))

    def happens(self, step: Step) -> None:
        """Perform one step."""
        match step.what:
            case "delivers" | "redelivers" | "drops":
                self._event(step)
            case "sweeps":
                self._calls(step, self.bench.sweep)
            case "minute" | "second":
                self.bench.harness.later(**{f"{step.what}s": 1})
            case "pods_come_up":
                self.bench.nodes.pods_come_up()
            case "pods_end":
                self.bench.nodes.pods_end()
            case _ if step.what in BY_OTHERS:
                BY_OTHERS[step.what](self.bench, self.bench.server)
            case _:
                self._person(step)

    def _event(self, step: Step) -> None:
        """Deliver or drop any undelivered event, out of order; a redelivered one stays undelivered."""
        if not self.underway:
            return
        at = step.which % len(self.underway)
        resource, verb, body = self.underway[at]
        if step.what != "redelivers":
            self.underway.pop(at)
        if step.what != "drops":
            request = event(json.loads(body), verb)
            for handler in (job_finished,) if resource == JOB else (reconcile, report):
                self._calls(step, lambda services: handler.handle(services, request))  # noqa: B023

    def _person(self, step: Step) -> None:
        with suppress(NotFound):
            match step.what:
                case "cancels":
                    self._asks({"cancel": True})
                case "retries":
                    version = getattr(getattr(self.bench.run(), "spec", None), "context_version", 1)
                    self._asks({"contextVersion": version + 1, "cancel": None})
                case "deletes":
                    self.bench.kubelet.delete(self.bench.runs, NAMESPACE, self.bench.name, self._uid())
                    self.bench.server.collect()
                case _:
                    asks = submits if step.what == "submits" else submits_another
                    with suppress(Killed, *FAILED):
                        asks(self.bench, _broken(self.bench.server, step))

    def _uid(self) -> str:
        return str(self.bench.raw()["metadata"]["uid"])

    def _asks(self, spec: dict[str, Any]) -> None:
        if self.bench.kind == "CodeRun" or "cancel" in spec:
            self.bench.kubelet.patch(self.bench.runs, NAMESPACE, self.bench.name, {"spec": spec})

    def _calls(self, step: Step, handle: Any) -> None:
        """Call a function with the step's fault: a crash, or failing calls."""
        with suppress(Killed, *FAILED):
            handle(self.bench.services(_broken(self.bench.server, step)))


def _broken(server: Transport, step: Step) -> Transport:
    if step.fault == FAULTLESS:
        return server
    if step.fault in CRASHES:
        return CrashingTransport(server, step.at, after=step.fault == CRASHES[1])
    number = step.fault - 1 - len(CRASHES)
    times = 1 if number < len(INJECTED_ERRORS) else ALL_LATER_CALLS
    return ErrorInjector(server, step.at, INJECTED_ERRORS[number % len(INJECTED_ERRORS)], times)


def _numbered(endings: Sequence[ContainerEnd]) -> Mapping[int, ContainerEnd]:
    return dict(enumerate(endings, start=1))


def undisturbed(start: StartingState, endings: Sequence[ContainerEnd]) -> Outcome:
    """Return the outcome of a run whose attempts end so, without faults and events."""
    bench = Bench(start)
    bench.nodes.endings = _numbered(endings)
    bench.settle()
    bench.check()
    return bench.outcome()


@pytest.mark.parametrize("people", [False, True], ids=["undisturbed", "people and others act"])
@pytest.mark.parametrize("kind", KINDS)
def test_sweep_completes_the_run_whatever_events_missed(kind: str, people: bool, tally: Counter[str]) -> None:
    start = starting_state(new, kind).fresh_copy()
    steps = st.one_of(_with_faults, _quiet, _people, _by_others) if people else st.one_of(_with_faults, _quiet)

    @seed(f"{SEED} {kind} {people}")
    @settings(
        max_examples=max(1, round(SCHEDULES * SCALE)),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(schedule=st.lists(steps, min_size=STEPS[0], max_size=STEPS[1]), endings=_endings)
    def lives(schedule: Sequence[Step], endings: Sequence[ContainerEnd]) -> None:
        life = Schedule(start, endings)
        for step in schedule:
            life.happens(step)
        life.bench.settle()
        life.bench.check()
        assert people or life.bench.outcome() == undisturbed(start, endings)
        tally["event schedules"] += 1

    lives()
