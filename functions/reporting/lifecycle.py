"""Publishes the lifecycle events of a run, then records in `status.reported` what was published.

Events are published before they are recorded: an event may be published twice, with the same id, but is never lost.
The record is not a reason to reconcile the run, except that a run is marked as finished only after its last event.
"""

import logging

from functions.events.event import Event
from functions.queues.publisher import Publisher
from functions.queues.topics import LIFECYCLE
from functions.runs.lifecycle.lifecycle_events import LifecycleEvent, overdue, unpublished
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.telemetry import context

log = logging.getLogger("orchestrator")

SOURCE = "orchestrator/report"


class LifecycleReporter:
    """Reports runs to the subscribers of the lifecycle topic."""

    def __init__(self, deps: Dependencies, publisher: Publisher) -> None:
        self._deps, self._publisher = deps, publisher

    @classmethod
    def connect(cls, deps: Dependencies) -> "LifecycleReporter | None":
        """Return the reporter; None if no queue is configured."""
        return cls(deps, deps.publisher) if deps.publisher else None

    def due(self, run: Run) -> bool:
        """Return whether the run has unpublished events."""
        return bool(unpublished(run.status))

    def overdue(self, run: Run) -> bool:
        """Return whether an unfinished run has events that should have been published by now."""
        return not run.is_marked_finished and overdue(run.status, self._deps.clock())

    def report(self, run: Run) -> Run:
        """Publish the unpublished events of the run, as just read, and record them; return the run after that.

        Raises:
            PublishError: the queue did not accept an event; a repeated call continues there.
            ClusterError: an event was published and not recorded; it will be published again.
        """
        context.bind_run(run)
        published: set[LifecycleEvent] = set()

        def publish(run: Run) -> Run:
            pending = unpublished(run.status)
            if not pending:
                return run
            for event in pending:
                if event not in published:
                    self._publish(run, event)
                    published.add(event)
            return self._deps.runs.write_status(run, run.status.model_copy(update={"reported": str(pending[-1])}))

        return self._deps.runs.retry_on_conflict(run, publish, "its events are published with the next one")

    def close(self, run: Run) -> None:
        """Do nothing: deleting a run is not a lifecycle event."""

    def _publish(self, run: Run, event: LifecycleEvent) -> None:
        self._publisher.publish(LIFECYCLE, cloud_event(run, event))
        log.info("published: %s", event.phase, extra={"run": run.key, "attempt": event.attempt})


def cloud_event(run: Run, event: LifecycleEvent) -> Event:
    """Return the CloudEvent. Its id is equal whenever it is published; its data is the run's present state."""
    return Event(
        id=f"{run.uid}/{event}",
        source=SOURCE,
        type=f"platform.agents.{run.kind.lower()}.{event.phase}.v1",
        subject=run.key,
        data={"spec": run.raw.get("spec"), "status": run.raw.get("status")},
    )
