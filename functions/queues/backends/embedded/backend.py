"""The embedded queue as a back end: selected by queues.url."""

from collections.abc import Iterator

from functions.queues.dead_letters import DeadLetterQueue
from functions.queues.publisher import Publisher
from functions.queues.setup import SetupError
from functions.settings.queues import QueueSettings


def is_configured(settings: QueueSettings) -> bool:
    """Return whether the settings name the URL of an embedded queue."""
    return bool(settings.url)


def publisher(settings: QueueSettings) -> Publisher:
    """Return its publisher."""
    from functions.queues.backends.embedded.publisher import (
        EmbeddedPublisher,  # loads urllib3, which no other back end needs
    )

    return EmbeddedPublisher(settings.url)


def dead_letters(settings: QueueSettings) -> DeadLetterQueue:
    """Return its dead letters."""
    from functions.queues.backends.embedded.dead_letters import EmbeddedDeadLetters  # as above

    return EmbeddedDeadLetters(settings.url)


def apply(settings: QueueSettings, *, dry_run: bool) -> Iterator[str]:  # noqa: ARG001  (the same for every back end)
    """Raise SetupError: its server sets it up."""
    raise SetupError("the embedded queue (queues.url) needs no set-up; queues.project and queues.nats.servers do")
