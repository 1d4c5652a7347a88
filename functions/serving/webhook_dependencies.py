"""What the webhook works with, a part of the services: making all of them takes as long as the rest of its start."""

from typing import TYPE_CHECKING

from functions.record import record
from functions.settings.webhook import EdgeSettings

if TYPE_CHECKING:
    from functions.queues.publisher import Publisher


@record
class Intake:
    """Where deliveries come in, and go on to."""

    settings: EdgeSettings
    publisher: "Publisher | None" = None
    """None where no queue is configured: then no delivery is taken."""


def connect(settings: EdgeSettings) -> Intake:
    """The intake of a deployed function. Calls nobody."""
    from functions.telemetry.instrumented import publisher

    return Intake(settings, publisher(settings.queues))
