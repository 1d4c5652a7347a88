"""How much content the App may still create on GitHub; one budget for all functions. Pure.

GitHub takes at most 80 requests a minute and 500 an hour that create content (REST API: Rate limits, About secondary
rate limits) and refuses the rest for a while. The end of a run is always reported, if later. Everything else yields
to it: of a run at work a later report says the same, and a reaction can be left out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

MAX_PER_MINUTE = 80
MAX_PER_HOUR = 500

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

WAIT_FOR_MINUTE = 60.0
WAIT_FOR_HOUR = 300.0
"""Seconds after which room is looked for again."""


class Share(Enum):
    """The part of the limits that a request may use, by its importance."""

    END = 0.9
    """The end of a run, and replies. The rest is for people, who share the limit of their organization's App."""
    PROGRESS = 0.5
    """Requests that a later one replaces, or that can be omitted."""


@dataclass(frozen=True, slots=True)
class ContentBudget:
    """The requests of the last hour, by minute."""

    used: Mapping[str, int] = field(default_factory=dict)

    def seconds_to_wait(self, units: int, share: Share, now: datetime) -> float:
        """Return for how long there is no room for that many requests; 0 if there is."""
        if self._since(now - MINUTE) + units > MAX_PER_MINUTE * share.value:
            return WAIT_FOR_MINUTE
        return WAIT_FOR_HOUR if self._since(now - HOUR) + units > MAX_PER_HOUR * share.value else 0.0

    def with_use(self, units: int, now: datetime) -> "ContentBudget":
        """Return the budget after that many requests, without what is older than an hour."""
        kept = {minute: count for minute, count in self.used.items() if _time(minute) + MINUTE > now - HOUR}
        minute = _minute(now)
        return ContentBudget({**kept, minute: kept.get(minute, 0) + units})

    def to_text(self) -> str:
        """Return the budget as JSON."""
        return json.dumps(self.used, sort_keys=True)

    def _since(self, start: datetime) -> int:
        """Return the requests since then; a minute that began before counts as a whole."""
        return sum(count for minute, count in self.used.items() if _time(minute) + MINUTE > start)


def parse(text: str) -> ContentBudget:
    """Return the budget in a text; an unreadable one counts as unused."""
    try:
        stored = json.loads(text or "{}")
        return ContentBudget({minute: int(count) for minute, count in stored.items() if _time(minute)})
    except (ValueError, TypeError, AttributeError):
        return ContentBudget()


def _minute(time: datetime) -> str:
    return time.replace(second=0, microsecond=0).isoformat()


def _time(minute: str) -> datetime:
    return datetime.fromisoformat(minute)
