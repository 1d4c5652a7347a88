"""What a sweep costs as the number of runs grows, against listing the same objects and doing nothing with them."""

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from functions.cluster.kinds import JOB, POD, RUNS
from functions.handlers import sweep
from functions.handlers.http import Request
from functions.runs import naming
from functions.settings.fleet import LimitSettings
from tests.fleet.crowd import Crowd
from tests.support.api import World
from tests.support.direct import Direct

SIZES = (1_000, 10_000)
ROUNDS = 5


@dataclass(frozen=True)
class Cost:
    """Of one pass: seconds, and the most memory it had at once, in MB."""

    calls: int
    seconds: float
    megabytes: float


def main() -> None:
    """Prints the table."""
    print(f"{'runs':>7} {'':12} {'calls':>6} {'ms':>8} {'us/run':>7} {'MB':>6} {'ratio':>6}")
    costs = [_measured(size) for size in SIZES]
    for size, (listed, swept) in zip(SIZES, costs, strict=True):
        for name, cost in (("listed only", listed), ("swept", swept)):
            ratio = cost.seconds / listed.seconds
            per_run = cost.seconds / size * 1e6
            figures = f"{cost.calls:6} {cost.seconds * 1e3:8.1f} {per_run:7.1f} {cost.megabytes:6.1f} {ratio:6.2f}"
            print(f"{size:7} {name:12} {figures}")
    small, large = (swept for _, swept in costs)
    growth = (large.seconds / SIZES[1]) / (small.seconds / SIZES[0])
    print(
        f"time per run, {SIZES[1]} runs to {SIZES[0]}: {growth:.2f}; memory: {large.megabytes / small.megabytes:.2f}"
    )


def _measured(size: int) -> tuple[Cost, Cost]:
    world = World(Direct(), "orchestrator")
    crowd = Crowd(world, size)
    world.configure(limits=LimitSettings(runs=crowd.counts["working"]))
    sweep.handle(world.services, Request({}, b""))
    return _cost(world, lambda: _list(world)), _cost(world, lambda: sweep.handle(world.services, Request({}, b"")))


def _list(world: World) -> None:
    for kind in (JOB, POD):
        for _ in world.services.cluster.list(kind, world.namespace):
            pass
    for kind in RUNS.values():
        for _ in world.services.cluster.list(kind, world.namespace, f"!{naming.FINISHED}"):
            pass


def _cost(world: World, work: Callable[[], object]) -> Cost:
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
    return Cost(calls, median(times), peak / 1e6)


if __name__ == "__main__":
    main()
