"""The cost of a sweep as the number of runs grows, against only listing the same objects.

The API server is in another process, so time and memory are those of the pass and of reading the answers. Runs are in
mixed states (tests/fleet/population.py); one of ten is unfinished, and no run needs anything. The time is the median of
several passes; the memory is the peak of allocated memory in another pass.

Memory is compared from the size at which a page of Jobs and pods, the largest objects, is full; a smaller pass reads
smaller pages. The memory kept per run until the end of a pass, besides pages, is a row of its own.
"""

import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from functions.cluster.kinds import JOB, POD, RUNS
from functions.handlers import sweep
from functions.runs import api_group
from functions.serving.http import Request
from functions.settings.limits import LimitSettings
from functions.sweeper import retention
from tests.benchmarks import table
from tests.benchmarks.rows import Aim, Row
from tests.benchmarks.server import running
from tests.fleet.population import Population
from tests.support.api import Harness
from tests.support.in_process_server import InProcessServer

SIZES = (1_000, 5_000, 10_000)
"""The unfinished tenth of the second fills a page of 500 Jobs."""

FLAT, TWICE = Aim(1.2), Aim(2)
KEPT = {
    "sweep": "It lists the unfinished runs in one page, from the API server's cache, and keeps live Jobs and pods.",
    "hourly pass": "It keeps digests of runs and of old attempts until it has read all, to find orphans.",
}
ROUNDS = 5


@dataclass(frozen=True)
class Cost:
    """The cost of one pass over `runs`: calls, seconds, and the peak of allocated memory in MB."""

    runs: int
    calls: int
    seconds: float
    megabytes: float

    @property
    def each(self) -> float:
        """Microseconds per run."""
        return self.seconds / self.runs * 1e6


def rows() -> Iterator[Row]:
    """Yield time per run and memory of both passes, against listing and against fewer runs."""
    few, full, many = (_measured(size) for size in SIZES)
    fewest, page, most = (f"{size:,} runs" for size in SIZES)
    for name in ("sweep", "hourly pass"):
        listing = "listed" if name == "sweep" else "all listed"
        cost, listed = many[name], many[listing]
        yield Row(f"{name}, {most}", cost.each, "us/run", listed.each, listing, TWICE)
        yield Row(f"{name}, time per run as runs grow", cost.each, "us/run", few[name].each, fewest, FLAT)
        yield Row(f"{name}, memory, {most}", cost.megabytes, "MB", listed.megabytes, listing, TWICE)
        grown = Row(f"{name}, memory as runs grow", cost.megabytes, "MB", full[name].megabytes, page, FLAT, KEPT[name])
        yield grown
        yield Row(f"{name}, memory, pages not full", few[name].megabytes, "MB", few[listing].megabytes, listing)
        yield Row(f"{name}, memory kept per run", _kept(full[name], cost), "bytes")
        yield Row(f"{name}, calls", cost.calls, "", listed.calls, listing, TWICE)


def _kept(fewer: Cost, more: Cost) -> float:
    """Return the bytes per additional run, between two sizes with full pages."""
    return max(0.0, (more.megabytes - fewer.megabytes) * 1e6 / (more.runs - fewer.runs))


def _measured(size: int) -> dict[str, Cost]:
    with tempfile.TemporaryDirectory() as folder:
        limits = LimitSettings(runs=_prepared(Path(folder) / "state.sqlite", size))
        with running(Path(folder)) as address:
            world = Harness(address.transport(), "orchestrator")
            world.configure(limits=limits)
            return {name: _cost(world, size, work) for name, work in _works(world).items()}


def _prepared(database: Path, size: int) -> int:
    """Write a population into a server's database; return how many runs are at work."""
    server = InProcessServer()
    crowd = Population(Harness(server, "orchestrator"), size)
    server.save(database)
    return crowd.counts["working"]


def _works(world: Harness) -> dict[str, Callable[[], object]]:
    return {
        "listed": lambda: _list(world, f"!{api_group.FINISHED}"),
        "sweep": lambda: sweep.handle(world.services, Request({}, b"")),
        "all listed": lambda: _list(world, ""),
        "hourly pass": lambda: retention.clean_up(world.services),
    }


def _list(world: Harness, labels: str) -> None:
    for kind in (JOB, POD):
        for _ in world.services.cluster.list(kind, world.namespace):
            pass
    for kind in RUNS.values():
        for _ in world.services.cluster.list(kind, world.namespace, labels, cached=bool(labels)):
            pass


def _cost(world: Harness, size: int, work: Callable[[], object]) -> Cost:
    work()  # the first sweep records the waiting runs
    times = []
    for _ in range(ROUNDS):
        world.calls.calls.clear()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    calls = len(world.calls.calls)
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Cost(size, calls, median(times), peak / 1e6)


if __name__ == "__main__":
    print(table.text([*rows()]))
