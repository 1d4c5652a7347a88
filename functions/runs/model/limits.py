"""How many runs may work at once: of all, of one service, as one agent or user, and in one place."""

from dataclasses import dataclass

MOST = 2000
"""Most entries of a ledger: some 300 bytes each, in an object of at most 1 MiB."""

ALL = "runs"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many runs may work at once; None: as many as there are."""

    runs: int | None = None
    per_service: int | None = None
    per_agent: int | None = None
    exclusive: bool = False
    """Whether runs that would work in the same place wait for each other."""

    @property
    def on(self) -> bool:
        """Whether there is any, so that a ledger is kept."""
        return self != NO_LIMITS

    def capacity(self, hold: str) -> int:
        """How many runs may have this hold."""
        return min(MOST, MOST if (most := self._configured(hold.partition("/")[0])) is None else most)

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
