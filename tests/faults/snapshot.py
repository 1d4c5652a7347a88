"""How a place stands, to come back to: what was done from there once need not be done again."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from tests.faults.bench import Bench
from tests.support.memoized_server import ServerState


class Snapshot(NamedTuple):
    """The whole state of a bench."""

    moment: ServerState
    now: datetime
    published: frozenset[str]
    started: frozenset[tuple[str, str]]
    expired: frozenset[str]
    orphans: frozenset[str]
    violations: tuple[str, ...]


def take(bench: Bench) -> Snapshot:
    """How it stands."""
    checker, server = bench.checker, bench.server
    return Snapshot(
        server.moment,
        bench.harness.now,
        frozenset(server.published),
        frozenset(checker.started),
        frozenset(checker.expired),
        frozenset(bench.nodes.orphans),
        tuple(checker.violations),
    )


def restore(bench: Bench, so: Snapshot) -> None:
    """Makes it stand so."""
    bench.server.moment, bench.harness.now = so.moment, so.now
    bench.server.published, bench.nodes.orphans = set(so.published), set(so.orphans)
    bench.checker.stand(so.moment.content, so.started, so.expired, so.violations)


def memoized(step: Callable[[Bench], object], bench: Bench) -> None:
    """Takes the step, or goes where it led when it was taken from there before."""
    before = take(bench)
    notes = before.moment.notes
    key = (step, bench.revision_key, before)
    if key in notes:
        restore(bench, notes[key])
    else:
        step(bench)
        notes[key] = take(bench)
