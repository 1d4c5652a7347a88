"""Memory of each function after its first requests and after 1,000 more, against a bare function's (bare/).

PSS of the process and its worker. During the first requests a process allocates what it needs once: its threads, each
with memory of its own, and their connections. The 1,000 repeat the same event, so memory that a function keeps for each
request would show. The functions that create a run are sent a key, and create one run only.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import server
from tests.benchmarks.baselines import Baseline
from tests.benchmarks.deployed import Post, Release, Served
from tests.benchmarks.load import send
from tests.benchmarks.rows import Aim, Row
from tests.benchmarks.work import JSON, Work
from tests.support.github import Github, serving

EVENTS = 1_000
FIRST = 50
"""Requests after which a process has its final size: 200 more add nothing to the webhook or the empty function."""
CONNECTIONS = 4
AIM = Aim(1.35)
FLAT = Aim(1.1)


def rows() -> Iterator[Row]:
    """Yield two rows for each function: its memory, and its growth."""
    with tempfile.TemporaryDirectory() as name, server.running(Path(name)) as address, serving(Github()) as github:
        release, work = Release(Path(name) / "release"), Work(address, github)
        with release.serving_bare("empty", {}) as served:
            empty, _ = _megabytes(served, Post(b"{}", JSON, 200))
        for target in work.items:
            baseline = Baseline(release, work, target)
            bare_item, item = work.items[target](), work.items[target]()
            with baseline.serving(bare_item) as served:
                bare, _ = _megabytes(served, bare_item.post)
            with release.serving(target, work.environ(target)) as served:
                idle, after = _megabytes(served, item.post)
            yield Row(f"memory, idle: {target}", idle, "MB", bare, "bare function", AIM, empty=empty)
            yield Row(f"memory, after {EVENTS:,} events: {target}", after, "MB", idle, "idle", FLAT)


def _megabytes(served: Served, post: Post) -> tuple[float, float]:
    served.until_answered(post)
    send(served.port, [post], FIRST, CONNECTIONS)
    idle = served.megabytes
    found = send(served.port, [post], EVENTS, CONNECTIONS)
    assert set(found.codes) <= {200, 201, 204}, json.dumps(found.codes)
    return idle, served.megabytes
