"""NATS JetStream as a back end: selected by queues.nats.servers."""

from collections.abc import Iterator

from functions.queues.dead_letters import DeadLetterQueue
from functions.queues.publisher import Publisher
from functions.queues.topology import topology
from functions.settings.queues import QueueSettings


def is_configured(settings: QueueSettings) -> bool:
    """Return whether the settings name the servers."""
    return bool(settings.nats.servers)


def publisher(settings: QueueSettings) -> Publisher:
    """Return its publisher."""
    from functions.queues.backends.nats.publisher import (
        NatsPublisher,  # loads the client, 0.2 s: only if it is the queue
    )

    return NatsPublisher(settings.nats, settings.prefix)


def dead_letters(settings: QueueSettings) -> DeadLetterQueue:
    """Return its dead letters."""
    from functions.queues.backends.nats.dead_letters import NatsDeadLetters  # as above

    return NatsDeadLetters(settings.nats, settings.prefix)


def apply(settings: QueueSettings, *, dry_run: bool) -> Iterator[str]:
    """Set streams and consumers up, as the dispatcher does when it starts; raise SetupError."""
    from functions.queues.backends.nats.setup import apply_once  # as above

    yield from apply_once(settings.nats, settings.prefix, topology(settings.endpoints), dry_run=dry_run)
