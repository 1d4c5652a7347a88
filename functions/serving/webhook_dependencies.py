"""What the webhook works with, a part of the services: making all of them takes as long as the rest of its start."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.settings.webhook import WebhookSettings

if TYPE_CHECKING:
    from functions.queues.publisher import Publisher


@dataclass(frozen=True, slots=True)
class WebhookDependencies:
    """Where deliveries come in, and go on to."""

    settings: WebhookSettings
    publisher: "Publisher | None" = None
    """None where no queue is configured: then no delivery is taken."""


def connect(settings: WebhookSettings) -> WebhookDependencies:
    """The intake of a deployed function. Calls nobody."""
    from functions.telemetry.instrumented import publisher

    return WebhookDependencies(settings, publisher(settings.queues))
