"""The embedded queue as a back end."""

from collections.abc import Iterator

from functions.queues.backends.embedded.dead_letters import EmbeddedDeadLetters
from functions.queues.backends.embedded.publisher import EmbeddedPublisher
from functions.queues.dead_letters import DeadLetterQueue
from functions.queues.publisher import Publisher
from functions.queues.setup import SetupError
from functions.settings.queues import QueueSettings


def publisher(settings: QueueSettings) -> Publisher:
    """Return its publisher."""
    return EmbeddedPublisher(settings.url)


def dead_letters(settings: QueueSettings) -> DeadLetterQueue:
    """Return its dead letters."""
    return EmbeddedDeadLetters(settings.url)


def apply(settings: QueueSettings, *, dry_run: bool) -> Iterator[str]:  # noqa: ARG001  (the same for every back end)
    """Raise SetupError: its server sets it up."""
    raise SetupError("the embedded queue (queues.url) needs no set-up; queues.project and queues.nats.servers do")
