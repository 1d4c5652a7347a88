"""The ledger as one function read it. Writes go to that version only."""

import logging
from collections.abc import Callable
from typing import TypeVar

from functions.cluster.errors import AlreadyExists, Conflict, NotFound
from functions.cluster.kinds import CONFIG_MAP
from functions.manifests import ledger as manifest
from functions.runs.admission.reservations import Ledger
from functions.serving.dependencies import Dependencies

log = logging.getLogger("orchestrator")
Found = TypeVar("Found")

TRIES = 20
"""Writes of the ledger that may be lost to others before the caller's event is delivered again."""


class LedgerStore:
    """The ledger, read when this is made."""

    def __init__(self, services: Dependencies) -> None:
        """Raises a ClusterError."""
        self._services = services
        self._namespace = services.settings.namespace
        try:
            self._raw = services.cluster.get(CONFIG_MAP, self._namespace, manifest.NAME)
        except NotFound:
            self._raw = {}
        self.ledger = manifest.parse(self._raw) if self._raw else Ledger()

    @property
    def kept(self) -> bool:
        """Whether there is one; otherwise nothing is known of who works."""
        return bool(self._raw)

    def write(self, ledger: Ledger) -> None:
        """Raises Conflict where somebody else wrote it first."""
        cluster = self._services.cluster
        if not self._raw:
            try:
                cluster.create(CONFIG_MAP, manifest.new(ledger, self._namespace))
            except AlreadyExists as error:
                raise Conflict(str(error)) from error
        elif patch := manifest.patch(self._raw, ledger):
            cluster.patch(CONFIG_MAP, self._namespace, manifest.NAME, patch)


def update_serialized(services: Dependencies, work: Callable[[LedgerStore], Found]) -> Found:
    """What `work` comes to with the ledger as it is; once more where somebody else wrote it first.

    Raises:
        ClusterError: of `work`; a Conflict where it lost TRIES races.
    """
    for _ in range(TRIES):
        try:
            with services.turn:
                return work(LedgerStore(services))
        except Conflict:
            log.info("the ledger was written by somebody else")
    raise Conflict(f"{TRIES} races for the ledger of admitted runs were lost; the next event or sweep asks again")
