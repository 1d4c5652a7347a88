"""From the start of a function's process to its first answer, with its work done: no ping, no health.

Against an empty functions-framework function: what no function can do without. Compiled code, an embedded API server
and queue in another process, a GitHub in this one; processes of both kinds are started in turn.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import server
from tests.benchmarks.deployed import Post, Release
from tests.benchmarks.rows import Aim, Row, alternating
from tests.benchmarks.work import JSON, Work
from tests.support.github import Github, serving

ROUNDS = 5
LONGEST = {"github_webhook": Aim(1.5)}
HINDRANCES = {
    "github_webhook": "Two thirds of what it adds are pydantic and the models of the settings.",
    "github_event": "It adds Markdown, to read commands in, and cryptography, for the App's tokens.",
    "sweep": "It starts a run: most of its first request is compiling templates, which a process does once.",
    "reconcile": "It starts a run: most of its first request is compiling templates, which a process does once.",
}


def rows() -> Iterator[Row]:
    """One row for each function."""
    with tempfile.TemporaryDirectory() as name, server.running(Path(name)) as address, serving(Github()) as github:
        release, work = Release(Path(name) / "release"), Work(address, github)
        for target in work.made:
            figure, baseline = alternating(
                lambda target=target: _seconds(release, target, work),  # type: ignore[misc]
                lambda: _empty(release),
                ROUNDS,
            )
            yield Row(
                f"cold start: {target}",
                figure * 1e3,
                "ms",
                baseline * 1e3,
                "empty function",
                LONGEST.get(target, Aim(2.5)),
                HINDRANCES.get(target, ""),
            )


def _seconds(release: Release, target: str, work: Work) -> float:
    post, done = work.made[target]()
    with release.serving(target, work.environ(target)) as served:
        found = served.until_answered(post)
    assert done(), f"{target} answered, but its work is not done"
    return found


def _empty(release: Release) -> float:
    with release.serving("empty", {}) as served:
        return served.until_answered(Post(b"{}", JSON, 200))
