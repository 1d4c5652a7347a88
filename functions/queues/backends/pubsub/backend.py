"""Google Pub/Sub as a back end: selected by queues.project."""

from collections.abc import Iterator

from functions.queues.dead_letters import DeadLetterQueue
from functions.queues.publisher import Publisher
from functions.queues.queue_model import Identity
from functions.queues.setup import SetupError
from functions.queues.topology import topology
from functions.settings.queues import QueueSettings


def is_configured(settings: QueueSettings) -> bool:
    """Return whether the settings name a Google Cloud project."""
    return bool(settings.project)


def publisher(settings: QueueSettings) -> Publisher:
    """Return its publisher."""
    from functions.queues.backends.pubsub.project import (
        Project,  # loads the client library, 0.15 s: only if it is the queue
    )
    from functions.queues.backends.pubsub.publisher import PubsubPublisher

    return PubsubPublisher(Project(settings.project, settings.prefix))


def dead_letters(settings: QueueSettings) -> DeadLetterQueue:
    """Return its dead letters."""
    from functions.queues.backends.pubsub.dead_letters import PubsubDeadLetters  # as above
    from functions.queues.backends.pubsub.project import Project

    return PubsubDeadLetters(Project(settings.project, settings.prefix))


def apply(settings: QueueSettings, *, dry_run: bool) -> Iterator[str]:
    """Set topics and push subscriptions up; raise SetupError."""
    from functions.queues.backends.pubsub.project import Project, ProjectError  # as above
    from functions.queues.backends.pubsub.setup import TopologyApplier

    identity = Identity(settings.push_identity, settings.push_audience) if settings.push_identity else None
    applier = TopologyApplier(Project(settings.project, settings.prefix), dry_run)
    try:
        yield from applier.apply(topology(settings.endpoints, identity=identity))
    except ProjectError as error:
        raise SetupError(str(error)) from error
