"""Memory of each function once it has answered some requests, and after 1,000 more, against the empty function's.

PSS over the process and its worker. The first requests bring all that a process comes to have once: its threads, each
with memory of its own, and their connections. The 1,000 are the same event again: what a function keeps of each would
show. Functions that make something for each request are sent a thousand that make nothing: the same key, the same
event.
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
from tests.support.github import Github, serving

EVENTS = 1_000
FIRST = 50
"""After so many the webhook and the empty function are as large as they become: 200 more add nothing to it."""
CONNECTIONS = 4
MOST = Aim(2)
FLAT = Aim(1.1)


def rows() -> Iterator[Row]:
    """Two rows for each function: once idle, and how it grew."""
    with tempfile.TemporaryDirectory() as name, server.running(Path(name)) as address, serving(Github()) as github:
        release, work = Release(Path(name) / "release"), Work(address, github)
        empty, _ = _megabytes(release, "empty", {}, Post(b"{}", JSON, 200))
        for target, make in work.made.items():
            post = _again(make()[0], target)
            idle, after = _megabytes(release, target, work.environ(target), post)
            yield Row(f"memory, idle: {target}", idle, "MB", empty, "empty function", MOST)
            yield Row(f"memory, after {EVENTS:,} events: {target}", after, "MB", idle, "idle", FLAT)


def _again(post: Post, target: str) -> Post:
    return replace(post, headers={**post.headers, "Idempotency-Key": target}) if post.code == 201 else post


def _megabytes(release: Release, target: str, environ: Mapping[str, str], post: Post) -> tuple[float, float]:
    with release.serving(target, environ) as served:
        served.until_answered(post)
        send(served.port, [post], FIRST, CONNECTIONS)
        idle = served.megabytes
        found = send(served.port, [post], EVENTS, CONNECTIONS)
        assert set(found.codes) <= {200, 204}, json.dumps(found.codes)
        return idle, served.megabytes
