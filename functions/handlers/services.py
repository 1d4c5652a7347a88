"""What handlers work with, made once per process and passed in, so that a test passes its own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from functions.cluster.client import Cluster
from functions.runs.retries import Policy
from functions.settings import Settings


@dataclass(frozen=True)
class Services:
    """The world outside a handler."""

    settings: Settings
    cluster: Cluster
    clock: Callable[[], datetime]

    @property
    def policy(self) -> Policy:
        """What the settings say about the life of runs."""
        job = self.settings.job
        return Policy(
            max_retries=job.max_retries,
            backoff=timedelta(seconds=job.backoff),
            pending_wait=timedelta(seconds=job.pending_wait),
        )


def connect(settings: Settings) -> Services:
    """The services of a deployed function. Reads credentials; calls nobody."""
    from functions.cluster.transport import KubernetesTransport

    cluster = Cluster(KubernetesTransport(settings.cluster))
    return Services(settings, cluster, lambda: datetime.now(UTC))
