"""The words that describe a queue: topics, push subscriptions and schedules, as Google Pub/Sub has them.

The same terms describe the embedded queue and the one in the cloud, so that one description can be applied to either.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long an unacknowledged message waits, in seconds: the minimum first, then doubled up to the maximum."""

    minimum_backoff: float = 0.5
    maximum_backoff: float = 60.0


@dataclass(frozen=True, slots=True)
class DeadLetterPolicy:
    """Where a message goes that was not acknowledged in `max_delivery_attempts` (5: Pub/Sub's default)."""

    topic: str
    max_delivery_attempts: int = 5


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a push says it is, by an OIDC token: a service account, and for whom the token is meant."""

    service_account: str
    audience: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """Pushes each message of a topic to an HTTP endpoint; `ack_deadline` in seconds (10: Pub/Sub's default).

    Without a dead-letter policy a message is tried for ever. Messages are sent without wrapping and with metadata,
    so that they arrive as CloudEvents in binary mode, unless `wrapped`. `identity` is of the queue in the
    cloud: on one machine nobody asks who pushes. `ordered` holds an event back until those published before it under
    the same key are acknowledged or dead; a refused one so blocks its key.
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
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """Publishes an event of `event_type` every so many seconds, unless the one before is still being delivered."""

    topic: str
    every_seconds: float
    event_type: str

    @property
    def name(self) -> str:
        """Tells schedules apart, also over a restart."""
        return f"{self.topic}/{self.event_type}"


@dataclass(frozen=True, slots=True)
class Topology:
    """All of a queue. Raises ValueError, naming every reference to a topic that is not there.

    `letters` are the topics whose messages are dead letters, kept until people deal with them.
    """

    topics: tuple[str, ...]
    subscriptions: tuple[Subscription, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    letters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise ValueError("; ".join(problems))

    def subscribers(self, topic: str) -> tuple[Subscription, ...]:
        """The subscriptions of a topic."""
        return tuple(each for each in self.subscriptions if each.topic == topic)

    def _problems(self) -> Iterator[str]:
        names = [each.name for each in self.subscriptions]
        yield from (f"subscription {name}: there are two of this name" for name in set(names) if names.count(name) > 1)
        for each in self.subscriptions:
            yield from self._absent(f"subscription {each.name}", each.topic)
            if each.dead_letter:
                yield from self._absent(f"subscription {each.name}, dead letters", each.dead_letter.topic)
                if self.subscribers(each.dead_letter.topic):
                    yield f"topic {each.dead_letter.topic}: it keeps dead letters, so nothing may subscribe to it"
        for topic in self.letters:
            yield from self._absent("dead letters", topic)
        for schedule in self.schedules:
            yield from self._absent(f"schedule {schedule.name}", schedule.topic)

    def _absent(self, user: str, topic: str) -> Iterator[str]:
        if topic not in self.topics:
            yield f"{user}: there is no topic {topic}; add it to the topics"
