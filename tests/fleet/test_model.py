"""Random schedules of a fleet under random limits; then sweeps alone finish all runs.

Runs are submitted, end, are cancelled, retried and deleted; functions crash and run concurrently; events are lost,
duplicated and reordered.
After each write: no limit is exceeded, no two runs share a workspace or directory, no run is overtaken, and the
invariants of tests/faults hold. In the end every run is finished and no slot is reserved.
"""

import json
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from functions.runs.model.limits import Limits
from tests.conftest import SCALE
from tests.fleet.fleet import Fleet
from tests.support.run_steps import DONE, LOST

EXAMPLES = 150
"""Schedules at SCALE=1."""
RUNS = 10
"""Maximum of runs in a fleet: enough for runs to wait for each other in every way."""
NO = json.dumps({"outcome": "failed", "reason": "InvalidInput", "message": "no"})
COUNTS = st.integers(0, 30)
PLACES = st.none() | st.integers(1, 3)


class Machine(RuleBasedStateMachine):
    """One fleet, and the steps of a schedule."""

    fleet: Fleet

    @initialize(runs=PLACES, service=PLACES, agent=PLACES, exclusive=st.booleans())
    def begins(self, runs: int | None, service: int | None, agent: int | None, exclusive: bool) -> None:
        self.fleet = Fleet(Limits(runs, service, agent, exclusive))

    def has_room(self) -> bool:
        return self.fleet._count < RUNS

    def has_runs(self) -> bool:
        return bool(self.fleet.events)

    @precondition(has_room)
    @rule(
        service=st.sampled_from(["api", "web"]),
        app=st.sampled_from(["5DLabs-Rex", "5DLabs-Tess"]),
        priority=st.integers(-1, 1),
        interleavings=st.booleans(),
    )
    def submit_code(self, service: str, app: str, priority: int, interleavings: bool) -> None:
        self.fleet.submit("CodeRun", service=service, githubApp=app, priority=priority)
        if interleavings:
            self.fleet.calls(self.fleet.delivery(-1))

    @precondition(has_room)
    @rule(branch=st.sampled_from(["main", "next"]), interleavings=st.booleans())
    def submit_docs(self, branch: str, interleavings: bool) -> None:
        self.fleet.submit("DocsRun", sourceBranch=branch)
        if interleavings:
            self.fleet.calls(self.fleet.delivery(-1))

    @precondition(has_runs)
    @rule(index=COUNTS)
    def an_event_comes(self, index: int) -> None:
        self.fleet.calls(self.fleet.delivery(-1 - index))

    @precondition(has_runs)
    @rule(index=COUNTS, at=COUNTS, after=st.booleans())
    def a_function_dies(self, index: int, at: int, after: bool) -> None:
        self.fleet.dies(self.fleet.delivery(-1 - index), at % 12, after=after)

    @rule(at=COUNTS, after=st.booleans())
    def a_sweep_dies(self, at: int, after: bool) -> None:
        self.fleet.dies(self.fleet.sweep, at, after=after)

    @rule()
    def a_sweep_comes(self) -> None:
        self.fleet.calls(self.fleet.sweep)

    @precondition(has_runs)
    @rule(one=COUNTS, other=COUNTS, swept=st.booleans(), order=st.lists(st.integers(0, 1), max_size=24))
    def two_functions_work_at_once(self, one: int, other: int, swept: bool, order: list[int]) -> None:
        second = self.fleet.sweep if swept else self.fleet.delivery(-1 - other)
        self.fleet.interleavings([self.fleet.delivery(-1 - one), second], order)

    @rule(index=COUNTS)
    def a_pod_comes_up(self, index: int) -> None:
        for job in self._one_of(self.fleet.live_jobs(), index):
            self.fleet.pod_comes_up(job)

    @rule(index=COUNTS, end=st.sampled_from([(DONE, True), (LOST, False), (NO, False), ("", False)]))
    def a_pod_ends(self, index: int, end: tuple[str, bool]) -> None:
        for job in self._one_of(self.fleet.live_jobs(), index):
            self.fleet.pod_ends(job, end[0], ok=end[1])

    @rule(seconds=st.sampled_from([1, 10, 60]))
    def time_passes(self, seconds: int) -> None:
        self.fleet.harness.later(seconds=seconds)
        self.fleet.server.collect()

    @rule(index=COUNTS)
    def a_person_cancels(self, index: int) -> None:
        for run in self._one_of(self.fleet.runs(), index):
            self.fleet.asks(run, cancel=True)

    @rule(index=COUNTS)
    def a_person_retries(self, index: int) -> None:
        codes = [run for run in self.fleet.runs() if run.kind == "CodeRun"]
        for run in self._one_of(codes, index):
            self.fleet.asks(run, contextVersion=(run.status.context_version or 1) + 1)

    @rule(index=COUNTS)
    def a_person_deletes(self, index: int) -> None:
        for run in self._one_of(self.fleet.runs(), index):
            self.fleet.deletes(run)

    @staticmethod
    def _one_of(found: list[Any], index: int) -> list[Any]:
        return [found[index % len(found)]] if found else []

    def teardown(self) -> None:
        if hasattr(self, "fleet"):
            self.fleet.settle(DONE)
            self.fleet.check()


def test_fleet_keeps_its_limits_and_finishes_every_run() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=max(5, int(EXAMPLES * SCALE)),
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=os.environ.get("FAULT_SEED") is None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
