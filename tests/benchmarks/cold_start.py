"""Cold start: seconds from the start of a function's process to its first answer, with its work done.

The baseline is a bare function (bare/) that imports the same libraries and makes the same calls; the column beside it
is an empty function. All are compiled. The API server and the queue are embedded ones in another process; GitHub is a
fake in this one, with an App key of GitHub's length. Google's emulator, if it is installed, stands for Pub/Sub.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.benchmarks import emulated, server
from tests.benchmarks.baselines import Baseline, bare_webhook
from tests.benchmarks.deliveries import ALONE
from tests.benchmarks.deployed import Post, Release
from tests.benchmarks.rows import Aim, Row, medians
from tests.benchmarks.work import JSON, Work
from tests.support.github import Github, serving
from tests.support.github.app import App, new_key

ROUNDS = 5
AIM = Aim(1.35)


def rows() -> Iterator[Row]:
    """Yield one row for each function."""
    with (
        tempfile.TemporaryDirectory() as name,
        server.running(Path(name)) as address,
        serving(Github(app=App(key=new_key()))) as github,
    ):
        release, work = Release(Path(name) / "release"), Work(address, github)
        for target in work.items:
            yield _row(release, target, _of(release, work, target), _bare(release, work, target))
        with emulated.running() as pubsub:
            if pubsub:
                ours = _of(release, work, "github_webhook", {**ALONE, **pubsub})
                yield _row(release, "github_webhook, Pub/Sub", ours, lambda: _webhook(release, work, pubsub))


def _row(release: Release, what: str, ours: Callable[[], float], bare: Callable[[], float]) -> Row:
    figure, baseline, empty = (1e3 * each for each in medians(ROUNDS, ours, bare, lambda: _empty(release)))
    return Row(f"cold start: {what}", figure, "ms", baseline, "bare function", AIM, empty=empty)


def _of(release: Release, work: Work, target: str, environ: Mapping[str, str] | None = None) -> Callable[[], float]:
    def seconds() -> float:
        item = work.items[target]()
        with release.serving(target, environ or work.environ(target)) as served:
            found = served.until_answered(item.post)
        assert item.done(), f"{target} answered, but its work is not done"
        return found

    return seconds


def _bare(release: Release, work: Work, target: str) -> Callable[[], float]:
    baseline = Baseline(release, work, target)

    def seconds() -> float:
        item = work.items[target]()
        with baseline.serving(item) as served:
            found = served.until_answered(item.post)
        assert item.done(), f"the bare {target} answered, but its work is not done"
        return found

    return seconds


def _webhook(release: Release, work: Work, pubsub: Mapping[str, str]) -> float:
    with release.serving_bare("github_webhook", bare_webhook(pubsub)) as served:
        return served.until_answered(work.items["github_webhook"]().post)


def _empty(release: Release) -> float:
    with release.serving_bare("empty", {}) as served:
        return served.until_answered(Post(b"{}", JSON, 200))
