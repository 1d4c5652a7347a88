"""The time, which a test moves: GitHub and the client of the App have the same."""

from datetime import datetime, timedelta

from tests.support.builders import NOW


class Clock:
    """What time it is when it is called."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)
