"""The runs of one kind as they are and as they change, for as long as the view is open."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from functions.clients.runs.podlog import Pause
from functions.cluster import updates
from functions.cluster.client import Cluster, Object
from functions.cluster.errors import Unavailable
from functions.cluster.kinds import Kind
from functions.cluster.reflector import Reflector
from functions.cluster.updates import Failure, Signal


@dataclass(frozen=True, slots=True)
class Change:
    """A run `is` so, or is `gone`; or there is `trouble`, and the request is repeated."""

    what: Literal["is", "gone", "trouble"]
    run: Object
    why: str = ""


class Changes:
    """The changes of one kind in a namespace, or of the one run `name` in it."""

    def __init__(self, cluster: Cluster, kind: Kind, namespace: str, name: str = "", pause: Pause = time.sleep) -> None:
        self._kind, self._name = kind, name
        fields = f"metadata.name={name}" if name else ""
        self._reflector = Reflector(cluster, kind, namespace, fields=fields, wait=pause)

    def follow(self) -> Iterator[Change]:
        """Yield every run, then every change, without end; raise a ClusterError that a retry cannot mend."""
        found = False
        for update in self._reflector.follow():
            match update:
                case updates.Change(type="DELETED"):
                    yield Change("gone", update.object)
                case updates.Change():
                    found = True
                    yield Change("is", update.object)
                case Failure(Unavailable() as error):
                    yield Change("trouble", {}, str(error))
                case Failure(error):
                    raise error
                case Signal.SYNCED if self._name and not found:
                    yield Change("gone", {"kind": self._kind.name, "metadata": {"name": self._name}})
