"""Memory of each function after its first request and after 1,000 more, against the empty function's.

PSS over the process and its worker. The 1,000 are the same event again: what a function keeps of each would show.
Functions that make something for each request are sent a thousand that make nothing: the same key, the same event.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import server
from tests.benchmarks.deployed import Post, Release
from tests.benchmarks.load import send
from tests.benchmarks.rows import Aim, Row
from tests.benchmarks.work import JSON, Work

EVENTS = 1_000
MOST = Aim(2)
FLAT = Aim(1.1)


def rows() -> Iterator[Row]:
    """Two rows for each function: once idle, and how it grew."""
    with tempfile.TemporaryDirectory() as name, server.running(Path(name)) as address:
        release, work = Release(Path(name) / "release"), Work(address)
        empty, _ = _megabytes(release, "empty", {}, Post(b"{}", JSON, 200))
        for target, make in work.made.items():
            post = _again(make()[0], target)
            idle, after = _megabytes(release, target, address.environ, post)
            yield Row(f"memory, idle: {target}", idle, "MB", empty, "empty function", MOST)
            yield Row(f"memory, after {EVENTS:,} events: {target}", after, "MB", idle, "idle", FLAT)


def _again(post: Post, target: str) -> Post:
    return replace(post, headers={**post.headers, "Idempotency-Key": target}) if post.code == 201 else post


def _megabytes(release: Release, target: str, environ: Mapping[str, str], post: Post) -> tuple[float, float]:
    with release.serving(target, environ) as served:
        served.until_answered(post)
        for _ in range(8):  # every thread of the worker has come up
            served.post(replace(post, code=200) if post.code == 201 else post)
        idle = served.megabytes
        found = send(served.port, [post], EVENTS, connections=4)
        assert set(found.codes) <= {200, 204}, json.dumps(found.codes)
        return idle, served.megabytes
