"""The queue back ends, and the one that the settings name.

A process loads only the back end it uses: the client libraries of Pub/Sub and NATS take 0.2 s each.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Protocol, cast

from functions.queues.dead_letters import DeadLetterError, DeadLetterQueue
from functions.queues.publisher import Publisher, PublishError
from functions.queues.setup import SetupError
from functions.settings.queues import BACK_ENDS, SELECT_BACK_END, QueueSettings


class Backend(Protocol):
    """The interface of the module `backend` of each back end; none of its functions makes a call."""

    def publisher(self, settings: QueueSettings) -> Publisher:
        """Return a publisher."""
        ...

    def dead_letters(self, settings: QueueSettings) -> DeadLetterQueue:
        """Return its dead letters."""
        ...

    def apply(self, settings: QueueSettings, *, dry_run: bool) -> Iterator[str]:
        """Set the queue up for the functions at `endpoints`; yield a line for each object. Raises SetupError."""
        ...


def connect(settings: QueueSettings) -> Publisher:
    """Return the publisher that the settings select, without a call; raise PublishError if they select none."""
    backend = _selected(settings)
    if backend is None:
        raise PublishError(f"there is nothing to publish to: {SELECT_BACK_END}")
    return backend.publisher(settings)


def dead_letters(settings: QueueSettings) -> DeadLetterQueue:
    """Return the dead letters of the selected queue; raise DeadLetterError if the settings select none."""
    backend = _selected(settings)
    if backend is None:
        raise DeadLetterError(f"no queue is configured: {SELECT_BACK_END}")
    return backend.dead_letters(settings)


def apply(settings: QueueSettings, *, dry_run: bool = False) -> Iterator[str]:
    """Set the selected queue up, or with `dry_run` change nothing; yield a line for each object as it is done.

    Raises:
        SetupError: the settings select no queue, or it did not do as asked.
    """
    backend = _selected(settings)
    if backend is None:
        raise SetupError(f"no queue is configured: {SELECT_BACK_END}")
    yield from backend.apply(settings, dry_run=dry_run)


def _selected(settings: QueueSettings) -> Backend | None:
    if not settings.selected:
        return None
    (field,) = settings.selected
    return cast(Backend, import_module(f"{__name__}.{BACK_ENDS[field].package}.backend"))
