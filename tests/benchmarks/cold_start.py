"""From the start of a function's process to its first answer, with its work done: no ping, no health.

Against an empty functions-framework function: what no function can do without. Compiled code, an embedded API server
and queue in another process, a GitHub in this one; processes of both kinds are started in turn. The App's key is as
long as GitHub makes them. Google's emulator, where it is installed, stands for Pub/Sub: what it needs for a publish
is in that row.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.benchmarks import emulated, server
from tests.benchmarks.deliveries import ALONE
from tests.benchmarks.deployed import Post, Release
from tests.benchmarks.rows import Aim, Row, alternating
from tests.benchmarks.work import JSON, Work
from tests.support.github import Github, serving
from tests.support.github.app import App, new_key

ROUNDS = 5
LONGEST = {"github_webhook": Aim(1.5)}
HINDRANCES = {
    "github_webhook": "Most of what it adds is pydantic, which its settings are checked by.",
    "github_event": "It adds PyJWT and cryptography, for the App's tokens, and checks its key: 0.09 s together.",
    "sweep": "It starts a run: most of its first request is compiling templates, which a process does once.",
    "reconcile": "It starts a run: most of its first request is compiling templates, which a process does once.",
}


def rows() -> Iterator[Row]:
    """One row for each function."""
    with (
        tempfile.TemporaryDirectory() as name,
        server.running(Path(name)) as address,
        serving(Github(app=App(key=new_key()))) as github,
    ):
        release, work = Release(Path(name) / "release"), Work(address, github)
        for target in work.made:
            yield _row(release, target, work, work.environ(target))
        with emulated.running() as pubsub:
            if pubsub:
                yield _row(release, "github_webhook", work, {**ALONE, **pubsub}, ", Pub/Sub")


def _row(release: Release, target: str, work: Work, environ: Mapping[str, str], on: str = "") -> Row:
    """The function `on` another queue than the embedded one."""
    figure, baseline = alternating(lambda: _seconds(release, target, work, environ), lambda: _empty(release), ROUNDS)
    return Row(
        f"cold start: {target}{on}",
        figure * 1e3,
        "ms",
        baseline * 1e3,
        "empty function",
        LONGEST.get(target, Aim(2.5)),
        HINDRANCES.get(target, ""),
    )


def _seconds(release: Release, target: str, work: Work, environ: Mapping[str, str]) -> float:
    post, done = work.made[target]()
    with release.serving(target, environ) as served:
        found = served.until_answered(post)
    assert done(), f"{target} answered, but its work is not done"
    return found


def _empty(release: Release) -> float:
    with release.serving("empty", {}) as served:
        return served.until_answered(Post(b"{}", JSON, 200))
