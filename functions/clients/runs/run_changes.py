"""List and watch the runs of one kind while a view is open."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from functions.cluster import updates
from functions.cluster.client import Cluster, Object
from functions.cluster.errors import Unavailable
from functions.cluster.kinds import Kind
from functions.cluster.pod_log import Pause
from functions.cluster.reflector import Reflector
from functions.cluster.updates import Failure, Signal


@dataclass(frozen=True, slots=True)
class Change:
    """A run that `is` present or `gone`; `trouble` with the cluster, which is retried; or all runs are `listed`."""

    what: Literal["is", "gone", "trouble", "listed"]
    run: Object
    why: str = ""


class Changes:
    """Changes of the runs of one kind in a namespace or (None) in all, or of the run `name`."""

    def __init__(
        self,
        cluster: Cluster,
        kind: Kind,
        namespace: str | None,
        name: str = "",
        pause: Pause = time.sleep,
        *,
        labels: str = "",
    ) -> None:
        self._kind, self._name = kind, name
        fields = f"metadata.name={name}" if name else ""
        self._reflector = Reflector(cluster, kind, namespace, labels=labels, fields=fields, wait=pause)

    def follow(self) -> Iterator[Change]:
        """Yield every run, then every change, without end; raise ClusterError if a retry would not help."""
        seen = False
        for update in self._reflector.follow():
            match update:
                case updates.Change(type="DELETED"):
                    yield Change("gone", update.object)
                case updates.Change():
                    seen = True
                    yield Change("is", update.object)
                case Failure(Unavailable() as error):
                    yield Change("trouble", {}, str(error))
                case Failure(error):
                    raise error
                case Signal.SYNCED if self._name and not seen:
                    yield Change("gone", {"kind": self._kind.name, "metadata": {"name": self._name}})
                case Signal.SYNCED if not self._name:
                    yield Change("listed", {})
