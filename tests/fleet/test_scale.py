"""A sweep over many runs makes only the calls for its pages and its actions; `make bench` measures time and memory."""

import pytest

from functions.cluster.client import PAGE
from functions.handlers import sweep
from functions.serving.http import Request
from functions.settings.limits import LimitSettings
from tests.fleet.population import Population
from tests.support.api import Harness
from tests.support.in_process_server import InProcessServer

SIZE = 3_000
"""Number of runs; 1,200 of them are unfinished: three pages of a list."""
LEDGER = 1
BOOKMARK = 1
FINISH = 6
"""Calls to finish a run: reads of run, Job, pods; writes of status, finished label, Kubernetes Event."""
START = 8
"""Calls to start a run: reads of a finished run, run, ledger; writes of status, workspace, files, Job, Event."""


@pytest.fixture(scope="module")
def population() -> Population:
    harness = Harness(InProcessServer(), "orchestrator")
    found = Population(harness, SIZE)
    harness.configure(limits=LimitSettings(runs=found.counts["working"]))
    swept(found)  # the first sweep records in the ledger that runs wait
    return found


def swept(population: Population) -> int:
    """Sweep and return the number of calls."""
    population.harness.calls.calls.clear()
    sweep.handle(population.harness.services, Request({}, b""))
    return len(population.harness.calls.calls)


def test_idle_sweep_reads_each_page_once(population: Population) -> None:
    assert swept(population) <= population.pages(PAGE) + LEDGER + BOOKMARK
    assert population.harness.calls.writes == []


def test_sweep_with_work_makes_only_the_calls_of_that_work_in_addition(population: Population) -> None:
    population.ends(10)
    idle = population.pages(PAGE) + LEDGER + BOOKMARK
    assert swept(population) <= idle + 10 * FINISH
    assert len(population.harness.jobs()) == population.counts["working"]
    assert swept(population) <= idle + 10 * START + LEDGER
    assert len(population.harness.jobs()) == population.counts["working"] + 10
