"""A clock that a test advances; GitHub and the client of the App share it."""

from datetime import datetime, timedelta

from tests.support.builders import NOW


class Clock:
    """A clock that returns its present time when called."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)
