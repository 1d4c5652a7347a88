"""The interface through which events leave; each back end implements it."""

from typing import Protocol

from functions.events.event import Event


class PublishError(Exception):
    """The queue did not store the event; it may later."""


class Publisher(Protocol):
    """Puts events on topics; may be used from several threads."""

    def publish(self, topic: str, event: Event) -> None:
        """Return once the event is stored; raise PublishError."""
        ...
