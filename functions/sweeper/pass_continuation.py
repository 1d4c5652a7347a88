"""Continues a pass that runs out of time in the next one.

The pass saves a checkpoint and publishes an event that asks for the next pass at once. The next pass continues at the
checkpoint, whether this event or the schedule starts it. So without a queue, or after a lost event, the objects at the
end of the lists are still reached.
"""

import logging
from collections.abc import Sequence

from functions.events.event import Event
from functions.manifests.checkpoint import Cursor
from functions.queues.publisher import PublishError
from functions.serving.dependencies import Dependencies
from functions.storage.checkpoints import Checkpoint

log = logging.getLogger("orchestrator")

SOURCE = "orchestrator/sweep"
TOPIC = "sweep"


class PassContinuation:
    """The start and the end of one pass."""

    def __init__(self, deps: Dependencies, name: str, due: str, kinds: Sequence[str]) -> None:
        """Read where the pass begins; an event of the type `due` asks for the next pass. Raise ClusterError."""
        self._publisher, self._name, self._due = deps.publisher, name, due
        self._checkpoint = Checkpoint(deps.config_maps, name, kinds)

    @property
    def cursor(self) -> Cursor | None:
        """Where the pass begins; None: at the start."""
        return self._checkpoint.cursor

    def continue_from(self, cursor: Cursor) -> None:
        """End this pass; the next one, which is requested at once, continues from the cursor. Raise ClusterError."""
        if self._checkpoint.save(cursor):
            log.info("%s: out of time at %s; the next pass continues there", self._name, cursor)
            self._request_next()

    def done(self) -> None:
        """End the pass at the end of the lists; the next one begins at the start. Raise ClusterError."""
        self._checkpoint.clear()

    def _request_next(self) -> None:
        if self._publisher is None:
            return
        try:
            event = Event(f"{self._name}/{self._checkpoint.version}", SOURCE, self._due, "", None)
            self._publisher.publish(TOPIC, event)
        except PublishError as error:  # the schedule starts the next pass later
            log.warning("%s: the next pass waits for its schedule: %s", self._name, error)
