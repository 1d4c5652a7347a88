"""How a pass that runs out of time hands on: it notes where it came to, and asks for the next one at once.

The note is all there is to it. Whatever asks for the pass next, the message that was published for it or the
schedule, goes on from there; so that without a queue, and where the message is lost, nobody at the end of the lists
is left out. The note is written at the version it was read at: of two passes that began at the same place only one
hands on, and however many are started, they do not become more and more.
"""

import logging
from collections.abc import Sequence

from functions.cluster.errors import AlreadyExists, Conflict, NotFound
from functions.cluster.kinds import CONFIG_MAP
from functions.events.event import Event
from functions.manifests import checkpoint as manifest
from functions.manifests.checkpoint import Cursor
from functions.queues.publisher import PublishError
from functions.serving.dependencies import Dependencies

log = logging.getLogger("orchestrator")

SOURCE = "orchestrator/sweep"
TOPIC = "sweep"


class Checkpoint:
    """The note of one kind of pass, as it was when the pass began."""

    def __init__(self, services: Dependencies, what: str, due: str, kinds: Sequence[str]) -> None:
        """`due` is the type of the event that asks for this pass through these kinds. Raises a ClusterError."""
        self._services, self._what, self._due, self._kinds = services, what, due, kinds
        try:
            self._raw = services.cluster.get(CONFIG_MAP, services.settings.namespace, manifest.name_of(what))
        except NotFound:
            self._raw = {}

    @property
    def mark(self) -> Cursor | None:
        """Where to begin; None: at the start."""
        found = manifest.parse(self._raw)
        return found if found and found.kind in self._kinds else None

    def hand_on(self, mark: Cursor) -> None:
        """The pass stopped here, and another goes on. Raises a ClusterError."""
        if self._write(mark):
            log.info("%s: out of time at %s, the next one goes on from there", self._what, mark)
            self._ask()

    def done(self) -> None:
        """The pass came to the end: the next one begins at the start. Raises a ClusterError."""
        if self.mark:
            self._write(None)

    def _write(self, mark: Cursor | None) -> bool:
        """Whether it is written; if not, another pass was first, and it is that one which goes on."""
        cluster, namespace = self._services.cluster, self._services.settings.namespace
        try:
            if self._raw:
                patch = manifest.patch(self._raw, mark)
                self._raw = cluster.patch(CONFIG_MAP, namespace, manifest.name_of(self._what), patch)
            elif mark:
                self._raw = cluster.create(CONFIG_MAP, manifest.new(self._what, namespace, mark))
        except (AlreadyExists, Conflict, NotFound) as error:
            log.info("%s: another pass goes on: %s", self._what, error)
            return False
        return True

    def _ask(self) -> None:
        publisher, version = self._services.publisher, self._raw["metadata"]["resourceVersion"]
        if publisher is None:
            return
        try:
            publisher.publish(TOPIC, Event(f"{self._what}/{version}", SOURCE, self._due, "", None))
        except PublishError as error:  # the schedule asks as well
            log.warning("%s: the next one waits for its schedule: %s", self._what, error)
