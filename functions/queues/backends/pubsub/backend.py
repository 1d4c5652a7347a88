"""Google Pub/Sub as a back end."""

from collections.abc import Iterator

from functions.queues.backends.pubsub.dead_letters import PubsubDeadLetters
from functions.queues.backends.pubsub.project import Project, ProjectError
from functions.queues.backends.pubsub.publisher import PubsubPublisher
from functions.queues.backends.pubsub.setup import TopologyApplier
from functions.queues.dead_letters import DeadLetterQueue
from functions.queues.publisher import Publisher
from functions.queues.queue_model import Identity
from functions.queues.setup import SetupError
from functions.queues.topology import topology
from functions.settings.queues import QueueSettings


def publisher(settings: QueueSettings) -> Publisher:
    """Return its publisher."""
    return PubsubPublisher(Project(settings.project, settings.prefix))


def dead_letters(settings: QueueSettings) -> DeadLetterQueue:
    """Return its dead letters."""
    return PubsubDeadLetters(Project(settings.project, settings.prefix))


def apply(settings: QueueSettings, *, dry_run: bool) -> Iterator[str]:
    """Set topics and push subscriptions up; raise SetupError."""
    identity = Identity(settings.push_identity, settings.push_audience) if settings.push_identity else None
    applier = TopologyApplier(Project(settings.project, settings.prefix), dry_run)
    try:
        yield from applier.apply(topology(settings.endpoints, identity=identity))
    except ProjectError as error:
        raise SetupError(str(error)) from error
