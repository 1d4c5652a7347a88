"""Snapshots of a bench, so that a step from the same state is performed once and then restored."""

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
    """Return the present state of the bench."""
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


def restore(bench: Bench, snapshot: Snapshot) -> None:
    """Set the bench to the state of the snapshot."""
    bench.server.moment, bench.harness.now = snapshot.moment, snapshot.now
    bench.server.published, bench.nodes.orphans = set(snapshot.published), set(snapshot.orphans)
    bench.checker.restore(snapshot.moment.content, snapshot.started, snapshot.expired, snapshot.violations)


def memoized(step: Callable[[Bench], object], bench: Bench) -> None:
    """Perform the step, or restore its result if it was performed from this state before."""
    before = take(bench)
    notes = before.moment.notes
    key = (step, bench.revision_key, before)
    if key in notes:
        restore(bench, notes[key])
    else:
        step(bench)
        notes[key] = take(bench)
