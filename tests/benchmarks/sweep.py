"""The cost of a sweep as the number of runs grows, against only listing the same objects.

The API server is in another process, so time and memory are those of the pass and of reading the answers. Runs are in
mixed states (tests/fleet/population.py); one of ten is unfinished, and no run needs anything. The time is the median of
several passes; the memory is the peak of allocated memory in another pass.

What a sweep costs must not grow with the runs that are kept: the same open runs are swept beside few and many finished
ones, in the processor time of the function. The time with the server is shown too; the embedded API server reads
every stored run for a list with a selector, a real one has them in its cache.

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

from functions.cluster.kinds import CODE_RUN, JOB, POD, RUNS
from functions.handlers import sweep
from functions.local.apiserver.store import Key
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
OPEN_RUNS, OPEN_SHARE = 500, 0.4
"""The share is that of the unfinished states (tests/fleet/population.py)."""
FINISHED_RUNS = (1_000, 50_000)


@dataclass(frozen=True)
class Cost:
    """The cost of one pass over `runs`: calls, seconds, and the peak of allocated memory in MB."""

    runs: int
    calls: int
    seconds: float
    megabytes: float
    processor: float
    """Seconds of processor time of the function's process."""

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
    yield from _beside_finished_runs()


def _beside_finished_runs() -> Iterator[Row]:
    few, many = (_measured(int(OPEN_RUNS / OPEN_SHARE), finished)["sweep"] for finished in FINISHED_RUNS)
    fewer, more = (f"{finished:,} finished" for finished in FINISHED_RUNS)
    what = f"sweep, {OPEN_RUNS} open runs beside {more}"
    yield Row(f"{what}, processor", many.processor * 1e3, "ms", few.processor * 1e3, fewer, FLAT)
    yield Row(f"{what}, with the server", many.seconds * 1e3, "ms", few.seconds * 1e3, fewer)
    yield Row(f"{what}, calls", many.calls, "", few.calls, fewer, Aim(1))


def _kept(fewer: Cost, more: Cost) -> float:
    """Return the bytes per additional run, between two sizes with full pages."""
    return max(0.0, (more.megabytes - fewer.megabytes) * 1e6 / (more.runs - fewer.runs))


def _measured(size: int, finished: int = 0) -> dict[str, Cost]:
    """Return the cost of each pass over `size` runs, with finished runs added up to `finished`."""
    with tempfile.TemporaryDirectory() as folder:
        limits = LimitSettings(runs=_prepared(Path(folder) / "state.sqlite", size, finished))
        with running(Path(folder)) as address:
            world = Harness(address.transport(), "orchestrator")
            world.configure(limits=limits)
            works = _works(world) if not finished else {"sweep": _works(world)["sweep"]}
            return {name: _cost(world, size, work) for name, work in works.items()}


def _prepared(database: Path, size: int, finished: int) -> int:
    """Write a population into a server's database; return the number of running runs."""
    server = InProcessServer()
    world = Harness(server, "orchestrator")
    crowd = Population(world, size)
    kept = world.kubelet.get(CODE_RUN, world.namespace, "run-0") if finished else {}
    for number in range(finished - crowd.counts["finished"]):
        uid = f"{number:08}-0d7b-4b1e-9a53-6f1e0c7d9a11"
        metadata = {**kept["metadata"], "name": f"kept-{number}", "uid": uid, "labels": {api_group.FINISHED: uid}}
        key = Key(f"{CODE_RUN.plural}.{api_group.GROUP}", world.namespace, metadata["name"])
        server.store.put(key, {**kept, "metadata": metadata})
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
    times, processor = [], []
    for _ in range(ROUNDS):
        world.calls.calls.clear()
        start, used = time.perf_counter(), time.process_time()
        work()
        times.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    calls = len(world.calls.calls)
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Cost(size, calls, median(times), peak / 1e6, median(processor))


if __name__ == "__main__":
    print(table.text([*rows()]))
