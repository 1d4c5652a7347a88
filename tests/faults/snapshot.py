"""How a place stands, to come back to: what was done from there once need not be done again."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from tests.faults.bench import Bench
from tests.support.memoized_server import ServerState


class Snapshot(NamedTuple):
    """All that happened to a place comes to."""

    moment: ServerState
    now: datetime
    told: frozenset[str]
    started: frozenset[tuple[str, str]]
    expired: frozenset[str]
    orphans: frozenset[str]
    violations: tuple[str, ...]


def take(place: Bench) -> Snapshot:
    """How it stands."""
    witness, server = place.witness, place.server
    return Snapshot(
        server.moment,
        place.world.now,
        frozenset(server.told),
        frozenset(witness.started),
        frozenset(witness.expired),
        frozenset(place.orphans),
        tuple(witness.violations),
    )


def restore(place: Bench, so: Snapshot) -> None:
    """Makes it stand so."""
    place.server.moment, place.world.now = so.moment, so.now
    place.server.told, place.orphans = set(so.told), set(so.orphans)
    place.witness.stand(so.moment.content, so.started, so.expired, so.violations)


def memoized(step: Callable[[Bench], object], place: Bench) -> None:
    """Takes the step, or goes where it led when it was taken from there before."""
    before = take(place)
    notes = before.moment.notes
    key = (step, place.served, before)
    if key in notes:
        restore(place, notes[key])
    else:
        step(place)
        notes[key] = take(place)
