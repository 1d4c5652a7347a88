"""Google Pub/Sub as a back end: selected by queues.project."""

from functions.queues.dead_letters import DeadLetterQueue
from functions.queues.publisher import Publisher
from functions.settings.queues import QueueSettings

SETTING = "queues.project (Pub/Sub)"


def is_configured(settings: QueueSettings) -> bool:
    """Return whether the settings name a Google Cloud project."""
    return bool(settings.project)


def publisher(settings: QueueSettings) -> Publisher:
    """Return its publisher."""
    from functions.queues.pubsub.project import Project  # loads the client library, 0.15 s: only if it is the queue
    from functions.queues.pubsub.publisher import PubsubPublisher

    return PubsubPublisher(Project(settings.project, settings.prefix))


def dead_letters(settings: QueueSettings) -> DeadLetterQueue:
    """Return its dead letters."""
    from functions.queues.pubsub.dead_letters import PubsubDeadLetters  # as above
    from functions.queues.pubsub.project import Project

    return PubsubDeadLetters(Project(settings.project, settings.prefix))
