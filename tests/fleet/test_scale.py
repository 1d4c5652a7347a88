"""A sweep over very many runs makes no more calls than it has pages to read and work to do.

The time and memory it takes are measured by `make bench`.
"""

import pytest

from functions.cluster.client import PAGE
from functions.handlers import sweep
from functions.serving.http import Request
from functions.settings.limits import LimitSettings
from tests.fleet.population import Population
from tests.support.api import Harness
from tests.support.in_process_server import InProcessServer

SIZE = 3_000
"""Of them 1,200 are unfinished: three pages of a list."""
LEDGER = 1
BOOKMARK = 1
FINISH = 6
"""The run again, Job, its pods; status, mark, Kubernetes Event."""
START = 8
"""A look whether the run before is finished; run, ledger; status, workspace, task files, Job, Kubernetes Event."""


@pytest.fixture(scope="module")
def population() -> Population:
    harness = Harness(InProcessServer(), "orchestrator")
    found = Population(harness, SIZE)
    harness.configure(limits=LimitSettings(runs=found.counts["working"]))
    swept(found)  # the first one notes who waits
    return found


def swept(population: Population) -> int:
    """How many calls a sweep made."""
    population.harness.calls.calls.clear()
    sweep.handle(population.harness.services, Request({}, b""))
    return len(population.harness.calls.calls)


def test_a_sweep_that_finds_nothing_reads_its_pages_once(population: Population) -> None:
    assert swept(population) <= population.pages(PAGE) + LEDGER + BOOKMARK
    assert population.harness.calls.writes == []


def test_a_sweep_that_finds_work_makes_the_calls_of_that_work_besides(population: Population) -> None:
    population.ends(10)
    idle = population.pages(PAGE) + LEDGER + BOOKMARK
    assert swept(population) <= idle + 10 * FINISH
    assert len(population.harness.jobs()) == population.counts["working"]
    assert swept(population) <= idle + 10 * START + LEDGER
    assert len(population.harness.jobs()) == population.counts["working"] + 10
