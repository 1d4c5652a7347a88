"""How a place stands, to come back to: what was done from there once need not be done again."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from tests.faults.bench import Place
from tests.support.memoized_server import Moment


class Standing(NamedTuple):
    """All that happened to a place comes to."""

    moment: Moment
    now: datetime
    told: frozenset[str]
    started: frozenset[tuple[str, str]]
    expired: frozenset[str]
    orphans: frozenset[str]
    violations: tuple[str, ...]


def standing(place: Place) -> Standing:
    """How it stands."""
    witness, server = place.witness, place.server
    return Standing(
        server.moment,
        place.world.now,
        frozenset(server.told),
        frozenset(witness.started),
        frozenset(witness.expired),
        frozenset(place.orphans),
        tuple(witness.violations),
    )


def stand(place: Place, so: Standing) -> None:
    """Makes it stand so."""
    place.server.moment, place.world.now = so.moment, so.now
    place.server.told, place.orphans = set(so.told), set(so.orphans)
    place.witness.stand(so.moment.content, so.started, so.expired, so.violations)


def remembered(step: Callable[[Place], object], place: Place) -> None:
    """Takes the step, or goes where it led when it was taken from there before."""
    before = standing(place)
    notes = before.moment.notes
    key = (step, place.served, before)
    if key in notes:
        stand(place, notes[key])
    else:
        step(place)
        notes[key] = standing(place)
