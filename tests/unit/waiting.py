"""Runs that wait for a slot, or have one."""

from typing import Any

from functions.runs.lifecycle import transitions
from functions.runs.model.run import Run
from functions.runs.model.status import Obstacle
from tests.support.builders import NOW, run, with_attempt


def uid_of(number: int) -> str:
    """Return the uid of a run; uids sort like the numbers."""
    return f"{number:08}-0d7b-4b1e-9a53-6f1e0c7d9a11"


def code(number: int, *, age: int = 0, uid: str = "", **spec: Any) -> Run:
    """Return a code run in its own workspace; a higher `age` means an older run."""
    created = f"2026-01-02T03:00:{50 - age:02}Z"
    return run(
        spec={"service": f"s{number}", **spec},
        uid=uid or uid_of(number),
        name=f"r{number}",
        creationTimestamp=created,
    )


def waiting(number: int, **about: Any) -> Run:
    """Return such a run in the queue."""
    found = code(number, **about)
    return found.with_status(transitions.queued(found, Obstacle(message="waits"), NOW))


def working(number: int, **about: Any) -> Run:
    """Return such a run with an attempt."""
    return with_attempt(code(number, **about))
