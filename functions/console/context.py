"""The dependencies of the console, created once per process and passed in, so that tests can pass others."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from functions.cluster.client import Cluster
from functions.console.streams import StreamSlots
from functions.runs.model.run import Run


@dataclass(frozen=True, slots=True)
class Visit:
    """The properties of a request that decide whether it is served; `headers` have lower-case names."""

    method: str
    headers: dict[str, str]


class Access(Protocol):
    """Decides who may see the console."""

    @property
    def may_change(self) -> bool:
        """Whether runs can be retried and cancelled here."""
        ...

    def check(self, visit: Visit) -> None:
        """Raise Refused if the request is not to be served."""


def no_diff(_: Run) -> str | None:
    """Return None: this console has no repository to compare branches in."""
    return None


def utc_now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Console:
    """One console: the runs of one namespace, read with the rights of `cluster`."""

    cluster: Cluster
    namespace: str
    access: Access
    streams: StreamSlots
    clock: Callable[[], datetime] = utc_now
    diff: Callable[[Run], str | None] = no_diff
    """Returns the output of `git diff` for a run's branch; None if it cannot be had."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """Every form carries it: a page of another origin cannot read it, and so cannot send it."""
