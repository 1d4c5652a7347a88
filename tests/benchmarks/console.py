"""The console: the time of the page of a fleet of 1,000 runs, from the request to its last byte.

The API server is in another process, as in a cluster; the console is served by a thread of this one, as by
`orchestrator ui`. People wait for a page for a second before their thoughts wander (Nielsen: Response times), which is
the limit; the baseline of the second row is to list the same runs and read the answer.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import urllib3

from functions.cluster.client import Cluster
from functions.cluster.kinds import RUNS
from functions.console.context import Console
from functions.console.local_access import LocalAccess
from functions.console.server import ConsoleServer
from functions.console.streams import StreamSlots
from tests.benchmarks.rows import Aim, Row, medians
from tests.benchmarks.server import running
from tests.fleet.population import Population
from tests.support.api import Harness
from tests.support.in_process_server import InProcessServer

RUNS_KEPT = 1_000
ROUNDS = 7
LIMIT = 1.0
NAMESPACE = "orchestrator"


def rows() -> Iterator[Row]:
    """Yield the rows of the fleet's page."""
    with tempfile.TemporaryDirectory() as folder:
        _prepare(Path(folder) / "state.sqlite")
        with running(Path(folder)) as address:
            cluster = Cluster(address.transport())
            server = ConsoleServer(Console(cluster, NAMESPACE, LocalAccess(), StreamSlots(1)))
            server.start()
            try:
                page, listed = medians(ROUNDS, lambda: _page(server.url), lambda: _listed(cluster))
            finally:
                server.stop()
    what = f"console, the page of {RUNS_KEPT:,} runs"
    yield Row(what, page * 1e3, "ms", LIMIT * 1e3, "limit", Aim(1))
    yield Row(what, page * 1e3, "ms", listed * 1e3, "listed")


def _prepare(database: Path) -> None:
    """Write a population into a server's database."""
    server = InProcessServer()
    Population(Harness(server, NAMESPACE), RUNS_KEPT)
    server.save(database)


def _page(url: str) -> float:
    begun = time.perf_counter()
    answer = urllib3.request("GET", url, retries=False)
    assert answer.status == 200
    assert f"{RUNS_KEPT:,}".encode() in answer.data
    return time.perf_counter() - begun


def _listed(cluster: Cluster) -> float:
    begun = time.perf_counter()
    assert sum(1 for kind in RUNS.values() for _ in cluster.list(kind, NAMESPACE)) == RUNS_KEPT
    return time.perf_counter() - begun
