"""NATS JetStream as a back end."""

from collections.abc import Iterator

from functions.queues.backends.nats.dead_letters import NatsDeadLetters
from functions.queues.backends.nats.publisher import NatsPublisher
from functions.queues.backends.nats.setup import apply_once
from functions.queues.dead_letters import DeadLetterQueue
from functions.queues.publisher import Publisher
from functions.queues.topology import topology
from functions.settings.queues import QueueSettings


def publisher(settings: QueueSettings) -> Publisher:
    """Return its publisher."""
    return NatsPublisher(settings.nats, settings.prefix)


def dead_letters(settings: QueueSettings) -> DeadLetterQueue:
    """Return its dead letters."""
    return NatsDeadLetters(settings.nats, settings.prefix)


def apply(settings: QueueSettings, *, dry_run: bool) -> Iterator[str]:
    """Set streams and consumers up, as the dispatcher does when it starts; raise SetupError."""
    yield from apply_once(settings.nats, settings.prefix, topology(settings.endpoints), dry_run=dry_run)
