"""How many runs may work at one time: in all, per service, per agent or user, and in one place. Pure."""

from dataclasses import dataclass

MOST = 2000
"""Most reservations of a ledger: some 300 bytes each, in an object of at most 1 MiB."""

ALL = "runs"
"""The capacity key of every run."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many runs may work at one time; None: no limit."""

    runs: int | None = None
    per_service: int | None = None
    per_agent: int | None = None
    exclusive: bool = False
    """Whether runs that would work in the same workspace or directory wait for each other."""

    @property
    def on(self) -> bool:
        """Whether there is any limit, so that a ledger is kept."""
        return self != NO_LIMITS

    def capacity(self, key: str) -> int:
        """Return how many runs may use this capacity key."""
        configured = self._configured(key.partition("/")[0])
        return MOST if configured is None else min(MOST, configured)

    def _configured(self, scope: str) -> int | None:
        match scope:
            case "runs":
                return self.runs
            case "service":
                return self.per_service
            case "agent" | "user":
                return self.per_agent
            case _:
                return 1 if self.exclusive else None


NO_LIMITS = Limits()
