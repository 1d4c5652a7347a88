"""State of redelivery: which deliveries of the App's webhook failed and must be requested again. Pure.

GitHub sends a delivery once, and again on request for three days (Handling failed webhook deliveries). Its list of
deliveries is read from the newest back to those already read; a reading that was interrupted continues from its
cursor. A failed delivery is remembered until one with the same guid succeeded or it is too old. It is requested at
once, then after 2, 4, 8, 16 and 32 minutes, then every hour: an outage delays a delivery by at most its own length
again, and by at most an hour.

The list contains only deliveries of the App's own webhook. Those of an organization's or repository's webhook cannot
be requested by the App.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from functions.github.webhook.payload_filter import FIELDS_BY_EVENT
from functions.settings.github import REDELIVER_DAYS

GITHUB_KEEPS = timedelta(days=REDELIVER_DAYS)
OVERLAP = timedelta(minutes=5)
"""How far back to read again, because a delivery is listed only after it has ended."""
SAVE_INTERVAL = timedelta(minutes=10)
"""How often the state is saved if only `until` has changed."""
FIRST_BACKOFF = timedelta(minutes=2)
MAX_BACKOFF = timedelta(hours=1)
MAX_FAILED = 2000
"""Failed deliveries remembered (about 350 KB). While there are that many, the list is not read further."""


class Delivery(BaseModel):
    """One delivery, as GitHub lists it (List deliveries for an app webhook)."""

    id: int
    guid: str
    delivered_at: datetime
    redelivery: bool
    status: str
    event: str

    @property
    def succeeded(self) -> bool:
        """Whether it was answered with success."""
        return self.status == "OK"

    @property
    def is_relevant(self) -> bool:
        """Whether a rule reads its event. A redelivery is remembered by the delivery that it repeats."""
        return self.event in FIELDS_BY_EVENT and not self.redelivery


def parse(items: Iterable[Any]) -> list[Delivery]:
    """Return the deliveries of a page; malformed items are skipped."""
    deliveries = []
    for item in items:
        try:
            deliveries.append(Delivery.model_validate(item))
        except ValidationError:
            continue
    return deliveries


class Failed(BaseModel):
    """A delivery that failed `at`; how often (`tries`) and when last (`asked`) it was requested again."""

    model_config = ConfigDict(frozen=True)

    id: int
    at: datetime
    tries: int = 0
    asked: datetime | None = None

    def due(self, now: datetime) -> bool:
        """Return whether to request it now."""
        return self.asked is None or now - self.asked >= backoff(self.tries)


def backoff(tries: int) -> timedelta:
    """Return how long to wait after that many requests."""
    return min(MAX_BACKOFF, FIRST_BACKOFF * (1 << min(tries - 1, 10)))


class RedeliveryState(BaseModel):
    """Deliveries up to `until` were read; `failed` are those to request, by guid.

    While a reading is in progress, it continues at `cursor` and began with a delivery of the time `top`. `succeeded`
    are guids that this reading saw succeed; they are not saved, which costs at most one superfluous request.
    """

    model_config = ConfigDict(frozen=True)

    until: datetime | None = None
    failed: dict[str, Failed] = {}
    cursor: str = ""
    top: datetime | None = None
    succeeded: Annotated[frozenset[str], Field(exclude=True)] = frozenset()

    def with_page(self, page: Iterable[Delivery], next_cursor: str, now: datetime) -> "RedeliveryState":
        """Return the state after a page of GitHub's list, newest first; `next_cursor` is empty on the last page.

        The result's `cursor` is empty once the list was read down to what was known.
        """
        failed, succeeded = dict(self.failed), set(self.succeeded)
        oldest = newest = None
        for delivery in page:
            newest, oldest = newest or delivery.delivered_at, delivery.delivered_at
            if delivery.succeeded:
                succeeded.add(delivery.guid)
                failed.pop(delivery.guid, None)
            elif self._must_be_requested(delivery, succeeded, now):
                failed.setdefault(delivery.guid, Failed(id=delivery.id, at=delivery.delivered_at))
        top = self.top or newest or self.until or now
        if not next_cursor or (oldest and oldest < self._oldest_to_read(now)):
            return RedeliveryState(until=top, failed=failed)
        return RedeliveryState(
            until=self.until, failed=failed, cursor=next_cursor, top=top, succeeded=frozenset(succeeded)
        )

    @staticmethod
    def _must_be_requested(delivery: Delivery, succeeded: set[str], now: datetime) -> bool:
        recent = delivery.delivered_at > now - GITHUB_KEEPS
        return recent and delivery.is_relevant and delivery.guid not in succeeded

    def _oldest_to_read(self, now: datetime) -> datetime:
        return max(now - GITHUB_KEEPS, self.until - OVERLAP) if self.until else now - GITHUB_KEEPS

    @property
    def is_full(self) -> bool:
        """Whether no more failed deliveries can be remembered."""
        return len(self.failed) >= MAX_FAILED

    def due(self, now: datetime) -> list[str]:
        """Return the guids to request, the oldest first."""
        guids = [guid for guid, failed in self.failed.items() if failed.due(now)]
        return sorted(guids, key=lambda guid: self.failed[guid].at)

    def expired(self, now: datetime) -> list[str]:
        """Return the guids that GitHub no longer redelivers."""
        return [guid for guid, failed in self.failed.items() if failed.at <= now - GITHUB_KEEPS]

    def with_request(self, guid: str, now: datetime) -> "RedeliveryState":
        """Return the state after a delivery was requested."""
        before = self.failed[guid]
        after = Failed(id=before.id, at=before.at, tries=before.tries + 1, asked=now)
        return self.model_copy(update={"failed": {**self.failed, guid: after}})

    def without(self, *guids: str) -> "RedeliveryState":
        """Return the state without these deliveries."""
        kept = {guid: failed for guid, failed in self.failed.items() if guid not in guids}
        return self.model_copy(update={"failed": kept})

    def should_save(self, saved: "RedeliveryState") -> bool:
        """Return whether it differs enough from the saved state to be written."""
        if (self.failed, self.cursor) != (saved.failed, saved.cursor) or not (self.until and saved.until):
            return True
        return self.until - saved.until >= SAVE_INTERVAL


def load(text: str) -> RedeliveryState:
    """Return the saved state; an empty one if it is unreadable, so that all three days are read again."""
    try:
        return RedeliveryState.model_validate_json(text)
    except ValidationError:
        return RedeliveryState()
