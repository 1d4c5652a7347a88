"""The dependencies of handlers, created once per process and passed in, so that tests can pass others."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from functions.cluster.client import Cluster
from functions.github.api.client import Github
from functions.github.api.permissions import Permissions
from functions.queues.publisher import Publisher
from functions.runs.lifecycle.retries import Policy
from functions.runs.model.limits import Limits
from functions.runs.retention import Retention
from functions.serving.reporter_protocol import Reporter
from functions.settings.model import Settings
from functions.storage.config_map_store import ConfigMapStore
from functions.storage.ledger_store import LedgerStore
from functions.storage.run_store import RunStore

ConnectReporter = Callable[["Dependencies"], Reporter | None]
"""Returns a reporter over these dependencies; None if its audience is not configured."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything outside a handler: settings, clock, cluster, queue, GitHub."""

    settings: Settings
    cluster: Cluster
    clock: Callable[[], datetime]
    publisher: Publisher | None = None
    """None if no queue is configured; then nothing is published."""
    github: Github | None = None
    """None if no GitHub App is configured; then GitHub is not called."""
    permissions: Permissions = field(default_factory=Permissions)
    """Cached answers of GitHub about write access."""
    ledger_lock: AbstractContextManager[object] = field(default_factory=Lock)
    """Serialises the ledger updates of this process's threads, which would otherwise conflict."""
    connect_reporters: Sequence[ConnectReporter] = ()
    """The audiences that are informed about runs, in this order."""

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
    def reporters(self) -> list[Reporter]:
        """The reporters of the configured audiences."""
        return [reporter for connect in self.connect_reporters if (reporter := connect(self))]

    @property
    def policy(self) -> Policy:
        """The settings that govern the life of runs."""
        job, limits = self.settings.job, self.settings.limits
        return Policy(
            max_retries=job.max_retries,
            backoff=timedelta(seconds=job.backoff),
            pending_wait=timedelta(seconds=job.pending_wait),
            reports=self.publisher is not None,
            limits=Limits(limits.runs, limits.per_service, limits.per_agent, limits.exclusive),
        )

    @property
    def retention(self) -> Retention:
        """The settings that say how long objects are kept."""
        kept = self.settings.retention
        return Retention(
            succeeded=timedelta(days=kept.succeeded_days),
            otherwise=timedelta(days=kept.otherwise_days),
            task_files=timedelta(seconds=self.settings.job.ttl_after_finished),
            tombstones=timedelta(days=kept.tombstone_days),
            workspaces=None if kept.workspace_days is None else timedelta(days=kept.workspace_days),
            delete_workspaces=kept.delete_workspaces,
            max_finished=kept.max_finished,
        )
