"""What handlers work with, made once per process and passed in, so that a test passes its own.

What describes runs is loaded by who asks for it: the webhook, which must answer soon after its start, never does.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from functions.github.api.permissions import Permissions
from functions.settings import Settings
from functions.storage.config_map_store import ConfigMapStore
from functions.storage.ledger_store import LedgerStore
from functions.storage.run_store import RunStore

if TYPE_CHECKING:
    from functions.cluster.client import Cluster
    from functions.github.api.client import Github
    from functions.queues.publisher import Publisher
    from functions.runs.lifecycle.retries import Policy
    from functions.runs.retention import Retention


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The world outside a handler."""

    settings: Settings
    cluster: "Cluster"
    clock: Callable[[], datetime]
    publisher: "Publisher | None" = None
    """None where no queue is configured: then nothing is published."""
    github: "Github | None" = None
    """None where no App is configured: then nothing is asked of GitHub."""
    permissions: Permissions = field(default_factory=Permissions)
    """What GitHub answered lately about who may write."""
    ledger_lock: AbstractContextManager[object] = field(default_factory=Lock)
    """Serialises the ledger updates of this process's threads, which would otherwise conflict."""

    @property
    def runs(self) -> RunStore:
        """The runs on the cluster."""
        return RunStore(self.cluster, self.settings.namespace, self.clock)

    @property
    def config_maps(self) -> ConfigMapStore:
        """The ConfigMaps that keep small state."""
        return ConfigMapStore(self.cluster, self.settings.namespace)

    @property
    def ledger(self) -> LedgerStore:
        """The ledger of admitted runs."""
        return LedgerStore(self.config_maps, self.ledger_lock)

    @property
    def policy(self) -> "Policy":
        """What the settings say about the life of runs."""
        from functions.runs.admission.limits import Limits
        from functions.runs.lifecycle.retries import Policy

        job, limits = self.settings.job, self.settings.limits
        return Policy(
            max_retries=job.max_retries,
            backoff=timedelta(seconds=job.backoff),
            pending_wait=timedelta(seconds=job.pending_wait),
            reports=self.publisher is not None,
            limits=Limits(limits.runs, limits.per_service, limits.per_agent, limits.exclusive),
        )

    @property
    def retention(self) -> "Retention":
        """What the settings say about how long things are kept."""
        from functions.runs.retention import Retention

        kept = self.settings.retention
        return Retention(
            succeeded=timedelta(days=kept.succeeded_days),
            otherwise=timedelta(days=kept.otherwise_days),
            task_files=timedelta(seconds=self.settings.job.ttl_after_finished),
            tombstones=timedelta(days=kept.tombstone_days),
            workspaces=None if kept.workspace_days is None else timedelta(days=kept.workspace_days),
            delete_workspaces=kept.delete_workspaces,
        )


def connect(settings: Settings) -> Dependencies:
    """The services of a deployed function. Reads credentials; calls nobody."""
    from functions.cluster.client import Cluster
    from functions.cluster.kubernetes_transport import KubernetesTransport
    from functions.telemetry.instrumented import InstrumentedTransport, publisher

    cluster = Cluster(InstrumentedTransport(KubernetesTransport(settings.cluster)))
    return Dependencies(settings, cluster, _now, publisher(settings.queues), _github(settings))


def _now() -> datetime:
    return datetime.now(UTC)


def _github(settings: Settings) -> "Github | None":
    if not settings.github.configured:
        return None
    from functions.github.api.client import connect  # only where it is used

    return connect(settings.github, _now)
