"""Stores the position at which a pass over many objects continues after it ran out of time.

A checkpoint is written at the version that was read when the pass began. Of two passes that began at the same cursor
one writes it, and only that one hands on: started passes do not multiply.
"""

import logging
from collections.abc import Sequence

from functions.cluster.errors import Conflict
from functions.manifests import checkpoint as manifest
from functions.manifests.checkpoint import Cursor
from functions.storage.config_map_store import ConfigMapStore

log = logging.getLogger("orchestrator")


class Checkpoint:
    """The checkpoint of one kind of pass, as read when the pass began."""

    def __init__(self, config_maps: ConfigMapStore, name: str, kinds: Sequence[str]) -> None:
        """Read the checkpoint of the pass `name`, which goes through `kinds`. Raise ClusterError."""
        self._config_maps, self._name, self._kinds = config_maps, name, kinds
        self._raw = config_maps.find(manifest.name_of(name))

    @property
    def cursor(self) -> Cursor | None:
        """The position at which the pass begins; None: at the start."""
        cursor = manifest.parse(self._raw) if self._raw else None
        return cursor if cursor and cursor.kind in self._kinds else None

    @property
    def version(self) -> str:
        """The resourceVersion of the stored checkpoint; empty if there is none."""
        return str(self._raw["metadata"]["resourceVersion"]) if self._raw else ""

    def save(self, cursor: Cursor) -> bool:
        """Write where the next pass continues; return False if another pass wrote first. Raise ClusterError."""
        return self._write(cursor)

    def clear(self) -> None:
        """Let the next pass begin at the start. Raise ClusterError."""
        if self.cursor:
            self._write(None)

    def _write(self, cursor: Cursor | None) -> bool:
        try:
            self._raw = self._config_maps.save(self._raw, manifest.new(self._name, self._config_maps.namespace, cursor))
        except Conflict as error:
            log.info("%s: another pass continues: %s", self._name, error)
            return False
        return True
