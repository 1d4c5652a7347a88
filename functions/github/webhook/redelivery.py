"""Which deliveries of the App's webhook failed and are to be asked for again, and how far that is known. Pure.

GitHub sends a delivery once, and again when asked, for three days (Handling failed webhook deliveries). Its list of
deliveries is read from the newest one back to what was looked at before. A reading that does not come to its end goes
on from its cursor the next time. A delivery that failed is remembered until one with the same guid succeeded or it is
too old; it is asked for at once, then after 2, 4, 8, 16 and 32 minutes, then every hour: an outage delays a delivery
by at most its own length again, and by at most an hour.

Only deliveries of the App's own webhook are in that list; those of a webhook of an organization or a repository are
not, and cannot be asked for by the App.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from functions.github.webhook.payload_filter import WANTED
from functions.settings.github import REDELIVER_DAYS

KEPT = timedelta(days=REDELIVER_DAYS)
OVERLAP = timedelta(minutes=5)
"""How much is read again, as a delivery is in the list only once it is over, and it may take a while."""
NOTE_EVERY = timedelta(minutes=10)
"""How often it is worth a write that nothing but time has passed."""
FIRST_PAUSE = timedelta(minutes=2)
LONGEST_PAUSE = timedelta(hours=1)
MOST_FAILED = 2000
"""Failed deliveries remembered: some 350 KB. While there are so many, no more are looked for."""


class Delivery(BaseModel):
    """One sending of an event, as GitHub lists it (List deliveries for an app webhook)."""

    id: int
    guid: str
    delivered_at: datetime
    redelivery: bool
    status: str
    event: str

    @property
    def arrived(self) -> bool:
        """Whether it was answered with success."""
        return self.status == "OK"

    @property
    def counts(self) -> bool:
        """Whether something would come of it. A repetition is remembered by the delivery that it repeats."""
        return self.event in WANTED and not self.redelivery


def parse(items: Iterable[Any]) -> list[Delivery]:
    """Deliveries of a page; what is none is left out."""
    found = []
    for item in items:
        try:
            found.append(Delivery.model_validate(item))
        except ValidationError:
            continue
    return found


class Failed(BaseModel):
    """A delivery that failed `at`, and how often and when last GitHub was asked for it."""

    model_config = ConfigDict(frozen=True)

    id: int
    at: datetime
    tries: int = 0
    asked: datetime | None = None

    def due(self, now: datetime) -> bool:
        """Whether to ask for it."""
        return self.asked is None or now - self.asked >= pause(self.tries)


def pause(tries: int) -> timedelta:
    """How long to wait after having asked so often."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(tries - 1, 10)))


class RedeliveryState(BaseModel):
    """What is known: all deliveries up to `until` were looked at, and `failed` are those to ask for, by guid.

    While a reading is under way, it goes on at `cursor` and began with a delivery of the time `top`; `succeeded` are
    the guids that it saw succeed, which are not kept: who forgets them asks for a delivery once too often.
    """

    model_config = ConfigDict(frozen=True)

    until: datetime | None = None
    failed: dict[str, Failed] = {}
    cursor: str = ""
    top: datetime | None = None
    succeeded: Annotated[frozenset[str], Field(exclude=True)] = frozenset()

    def seen(self, page: Iterable[Delivery], following: str, now: datetime) -> "RedeliveryState":
        """After a page of GitHub's list, the newest delivery first, and the cursor of the next page, if there is one.

        Its own `cursor` is empty once everything down to what was known is looked at.
        """
        failed, succeeded = dict(self.failed), set(self.succeeded)
        oldest = newest = None
        for each in page:
            newest, oldest = newest or each.delivered_at, each.delivered_at
            if each.arrived:
                succeeded.add(each.guid)
                failed.pop(each.guid, None)
            elif each.counts and each.guid not in succeeded and each.delivered_at > now - KEPT:
                failed.setdefault(each.guid, Failed(id=each.id, at=each.delivered_at))
        top = self.top or newest or self.until or now
        if not following or (oldest and oldest < self._floor(now)):
            return RedeliveryState(until=top, failed=failed)
        return RedeliveryState(
            until=self.until, failed=failed, cursor=following, top=top, succeeded=frozenset(succeeded)
        )

    def _floor(self, now: datetime) -> datetime:
        """How far back to read."""
        return max(now - KEPT, self.until - OVERLAP) if self.until else now - KEPT

    @property
    def full(self) -> bool:
        """Whether more cannot be remembered."""
        return len(self.failed) >= MOST_FAILED

    def due(self, now: datetime) -> list[str]:
        """Guids to ask for, the oldest first."""
        found = [guid for guid, each in self.failed.items() if each.due(now)]
        return sorted(found, key=lambda guid: self.failed[guid].at)

    def too_old(self, now: datetime) -> list[str]:
        """Guids that GitHub cannot be asked for any more."""
        return [guid for guid, each in self.failed.items() if each.at <= now - KEPT]

    def asked(self, guid: str, now: datetime) -> "RedeliveryState":
        """After GitHub was asked for a delivery."""
        before = self.failed[guid]
        after = Failed(id=before.id, at=before.at, tries=before.tries + 1, asked=now)
        return self.model_copy(update={"failed": {**self.failed, guid: after}})

    def without(self, *guids: str) -> "RedeliveryState":
        """After deliveries were given up."""
        return self.model_copy(update={"failed": {guid: e for guid, e in self.failed.items() if guid not in guids}})

    def worth_noting(self, before: "RedeliveryState") -> bool:
        """Whether this is to be kept, where `before` is what is kept."""
        if (self.failed, self.cursor) != (before.failed, before.cursor) or not (self.until and before.until):
            return True
        return self.until - before.until >= NOTE_EVERY


def load(text: str) -> RedeliveryState:
    """What is kept; where nobody can read it, all three days are looked at again, which does no harm."""
    try:
        return RedeliveryState.model_validate_json(text)
    except ValidationError:
        return RedeliveryState()
