"""The ledger of admitted runs, read and written at one version."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from functions.cluster.errors import Conflict
from functions.manifests import ledger as manifest
from functions.runs.admission.ledger import Ledger
from functions.storage.config_map_store import ConfigMapStore
from functions.storage.conflicts import retry_on_conflict

log = logging.getLogger("orchestrator")
T = TypeVar("T")

MAX_TRIES = 20
"""Tries of an update before the caller's event is delivered again. Many runs write the one ledger."""


class VersionedLedger:
    """The ledger at the version that was read; a write goes to that version only."""

    def __init__(self, config_maps: ConfigMapStore) -> None:
        """Read the ledger. Raise ClusterError."""
        self._config_maps = config_maps
        self._raw = config_maps.find(manifest.NAME)
        self.ledger = manifest.parse(self._raw) if self._raw else Ledger()

    @property
    def exists(self) -> bool:
        """Whether the ledger is stored. Otherwise it is not known which runs have a slot."""
        return self._raw is not None

    def write(self, ledger: Ledger) -> None:
        """Write the ledger; raise Conflict if another process wrote it since it was read."""
        self._config_maps.save(self._raw, manifest.new(ledger, self._config_maps.namespace))


class LedgerStore:
    """Access to the ledger of one namespace."""

    def __init__(self, config_maps: ConfigMapStore, lock: AbstractContextManager[object]) -> None:
        """Serialise the updates of this process's threads with `lock`, which would otherwise conflict."""
        self._config_maps, self._lock = config_maps, lock

    def read(self) -> VersionedLedger:
        """Return the ledger at its present version. Raise ClusterError."""
        return VersionedLedger(self._config_maps)

    def update_serialized(self, work: Callable[[VersionedLedger], T]) -> T:
        """Return work(ledger), repeating it with the present version while another process writes the ledger first.

        Raises:
            ClusterError: any error of `work`; a Conflict after MAX_TRIES tries.
        """

        def update() -> T:
            try:
                with self._lock:
                    return work(self.read())
            except Conflict:
                log.info("another process wrote the ledger of admitted runs first")
                raise

        return retry_on_conflict(update, "the ledger of admitted runs; the next event or sweep asks again", MAX_TRIES)
