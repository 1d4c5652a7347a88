"""Runs that wait for a slot."""

from typing import Any

from functions.runs.model.run import Run
from tests.support.builders import run


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
