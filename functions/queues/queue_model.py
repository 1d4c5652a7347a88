"""A queue as data: topics, push subscriptions and schedules, in Google Pub/Sub's terms.

One description is applied to any back end.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long an unacknowledged message waits, in seconds: first the minimum, then doubled up to the maximum."""

    minimum_backoff: float = 0.5
    maximum_backoff: float = 60.0


@dataclass(frozen=True, slots=True)
class DeadLetterPolicy:
    """The topic of messages that were not acknowledged in `max_delivery_attempts` (Pub/Sub's default: 5)."""

    topic: str
    max_delivery_attempts: int = 5


@dataclass(frozen=True, slots=True)
class Identity:
    """The OIDC token that a push carries: its service account and its audience."""

    service_account: str
    audience: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """Pushes each message of a topic to an HTTP endpoint; `ack_deadline` is in seconds (Pub/Sub's default: 10).

    Without a dead-letter policy a message is delivered until it is acknowledged. Messages are sent without wrapping
    and with metadata, so that they arrive as CloudEvents in binary mode, unless `wrapped`. `identity` is used in the
    cloud only.
    """

    name: str
    topic: str
    push_endpoint: str
    dead_letter: DeadLetterPolicy | None = None
    retry: RetryPolicy = RetryPolicy()
    ack_deadline: float = 10.0
    concurrency: int = 8
    wrapped: bool = False
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Publishes an event of `event_type` at an interval in seconds, unless the one before is still being delivered."""

    topic: str
    every_seconds: float
    event_type: str

    @property
    def name(self) -> str:
        """The schedule's name, which stays the same over a restart."""
        return f"{self.topic}/{self.event_type}"


@dataclass(frozen=True, slots=True)
class Topology:
    """A whole queue; raise ValueError naming every repeated name and every topic that does not exist.

    Messages of `dead_letter_topics` are kept until people deal with them.
    """

    topics: tuple[str, ...]
    subscriptions: tuple[Subscription, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    dead_letter_topics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise ValueError("; ".join(problems))

    def subscribers(self, topic: str) -> tuple[Subscription, ...]:
        """Return the subscriptions of a topic."""
        return tuple(subscription for subscription in self.subscriptions if subscription.topic == topic)

    def _problems(self) -> Iterator[str]:
        counts = Counter(subscription.name for subscription in self.subscriptions)
        yield from (f"subscription {name}: there are two of this name" for name, count in counts.items() if count > 1)
        for each in self.subscriptions:
            yield from self._missing(f"subscription {each.name}", each.topic)
            if each.dead_letter:
                yield from self._missing(f"subscription {each.name}, dead letters", each.dead_letter.topic)
                if self.subscribers(each.dead_letter.topic):
                    yield f"topic {each.dead_letter.topic}: it keeps dead letters, so nothing may subscribe to it"
        for topic in self.dead_letter_topics:
            yield from self._missing("dead letters", topic)
        for schedule in self.schedules:
            yield from self._missing(f"schedule {schedule.name}", schedule.topic)

    def _missing(self, user: str, topic: str) -> Iterator[str]:
        if topic not in self.topics:
            yield f"{user}: there is no topic {topic}; add it to the topics"
