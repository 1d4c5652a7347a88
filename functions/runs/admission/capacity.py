"""The capacity that a run uses while it works, as keys of limited capacity. Pure.

Each run uses one slot of all runs, one of its agent or user, and those of its kind (`RunSpec.own_capacity_keys`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from functions.runs.model.limits import ALL, Limits
from functions.runs.model.run import Run
from functions.runs.model.status import Obstacle


@dataclass(frozen=True, slots=True)
class Reservation:
    """The capacity keys of one run, reserved for the version of it that was admitted and the attempt it then starts."""

    kind: str
    name: str
    version: str
    keys: Sequence[str]


def reservation(run: Run) -> Reservation:
    """Return the reservation of the run at its present version."""
    return Reservation(run.kind, run.name, run.resource_version, capacity_keys(run))


def capacity_keys(run: Run) -> tuple[str, ...]:
    """Return the capacity keys that the run uses while it works."""
    spec = run.spec
    if spec is None:
        return (ALL,)
    return (ALL, spec.identity, *spec.own_capacity_keys)


class Usage:
    """The capacity that reservations use, counted once for many questions."""

    def __init__(self, reservations: Iterable[Reservation]) -> None:
        """Count the reservations."""
        self._counts: Counter[str] = Counter()
        self._first: dict[str, Reservation] = {}
        for reservation in reservations:
            self.add(reservation)

    def add(self, reservation: Reservation) -> None:
        """Count one more reservation."""
        self._counts.update(reservation.keys)
        for key in reservation.keys:
            self._first.setdefault(key, reservation)

    def obstacle(self, keys: Iterable[str], limits: Limits) -> Obstacle | None:
        """Return which of the keys has no room; None if all have."""
        full = next((key for key in keys if self._counts[key] >= limits.capacity(key)), None)
        return self._explained(full, limits) if full else None

    def _explained(self, key: str, limits: Limits) -> Obstacle:
        scope, _, name = key.partition("/")
        most = limits.capacity(key)
        match scope:
            case "runs" if most == 0:
                return Obstacle(message="paused by the setting limits.runs: 0")
            case "runs":
                return Obstacle(message=f"{most} runs work (limits.runs)")
            case "service":
                return Obstacle(message=f"{most} runs work for service {name} (limits.per_service)")
            case "agent" | "user":
                return Obstacle(message=f"{most} runs work as {scope} {name} (limits.per_agent)")
            case _:
                holder = f"{self._first[key].kind} {self._first[key].name}"
                return Obstacle(message=f"{holder} works in {scope} {name}", holder=holder)
