"""Rate limits and scripted failures.

(REST API: Rate limits for the REST API. "In general, no more than 80 content-generating requests per minute and no more
than 500 content-generating requests per hour are allowed.")
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.support.github.calls import Call, Reply


@dataclass
class Failure:
    """The answer to the next `times` calls that match; `applied` means that the call takes effect before it.

    Status 0 closes the connection.
    """

    calls: re.Pattern[str]
    reply: Reply
    times: int = 1
    applied: bool = False


@dataclass
class Limits:
    """The primary rate limit: calls per caller and hour."""

    limit: int = 5000
    used: dict[str, int] = field(default_factory=dict)
    reset: datetime | None = None
    per_minute: int | None = None
    per_hour: int | None = None
    """The secondary limit of requests that create content; None: no limit."""
    created: list[datetime] = field(default_factory=list)
    refused: int = 0
    most_per_hour: int = 0

    def allows_content(self, call: Call, now: datetime) -> bool:
        """Return whether one more request that creates content is accepted."""
        if call.method == "GET" or "access_tokens" in call.path or self.per_hour is None or self.per_minute is None:
            return True
        self.created = [time for time in self.created if time > now - timedelta(hours=1)]
        in_minute = sum(time > now - timedelta(minutes=1) for time in self.created)
        if len(self.created) >= self.per_hour or in_minute >= self.per_minute:
            self.refused += 1
            return False
        self.created.append(now)
        self.most_per_hour = max(self.most_per_hour, len(self.created))
        return True

    def count(self, caller: str, now: datetime) -> dict[str, str]:
        """Count a call and return the headers of the rate limit."""
        if self.reset is None or now >= self.reset:
            self.reset, self.used = now + timedelta(hours=1), {}
        self.used[caller] = self.used.get(caller, 0) + 1
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.used[caller])),
            "X-RateLimit-Reset": str(int(self.reset.timestamp())),
        }

    def exceeded(self, caller: str) -> bool:
        return self.used.get(caller, 0) > self.limit


@dataclass
class Troubles:
    """Rate limits and scripted failures."""

    limits: Limits = field(default_factory=Limits)
    failures: list[Failure] = field(default_factory=list)

    def next(self, call: Call) -> Failure | None:
        """Return the failure of this call, if any, and count it as used."""
        for each in self.failures:
            if each.times > 0 and each.calls.search(str(call)):
                each.times -= 1
                return each
        return None
