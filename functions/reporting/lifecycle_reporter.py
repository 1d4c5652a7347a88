"""Publishes the lifecycle events of runs, then records in `status.reported` which were published.

An event is published before it is recorded: none is lost, and one may be published again, with the same id. Recording
does not make any function act on the run, except at its end: only then is the run marked as finished.
"""

import logging

from functions.events.event import Event
from functions.queues.publisher import Publisher
from functions.queues.topics import LIFECYCLE
from functions.runs import api_group
from functions.runs.lifecycle_events import LifecycleEvent, overdue, unpublished
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.telemetry import context

log = logging.getLogger("orchestrator")

SOURCE = "orchestrator/report"


def connect(deps: Dependencies) -> "LifecycleReporter | None":
    """Return the reporter; None if no queue is configured."""
    return LifecycleReporter(deps, deps.publisher) if deps.publisher else None


class LifecycleReporter:
    """Reports to the subscribers of the topic of lifecycle events."""

    def __init__(self, deps: Dependencies, publisher: Publisher) -> None:
        self._deps, self._publisher = deps, publisher

    def due(self, run: Run) -> bool:
        """Return whether an event is not published yet."""
        return bool(unpublished(run.status))

    def overdue(self, run: Run) -> bool:
        """Return whether an event of an unfinished run should have been published by now."""
        return api_group.FINISHED not in run.labels and overdue(run.status, self._deps.clock())

    def report(self, run: Run) -> Run:
        """Publish the missing events of the run, as just read, and record them; return the run after that.

        Raises:
            PublishError: the queue did not accept an event; the same call later continues there.
            ClusterError: an event was published and not recorded; it is published once more.
        """
        context.bind_run(run)
        published: set[LifecycleEvent] = set()

        def publish(run: Run) -> Run:
            missing = unpublished(run.status)
            for milestone in missing:
                if milestone not in published:
                    self._publish(run, milestone)
                    published.add(milestone)
            if not missing:
                return run
            recorded = run.status.model_copy(update={"reported": str(missing[-1])})
            return self._deps.runs.write_status(run, recorded)

        return self._deps.runs.retry_on_conflict(run, publish, "its events are published with the next event on it")

    def close(self, run: Run) -> None:
        """Do nothing: there is no event for a deletion."""

    def _publish(self, run: Run, milestone: LifecycleEvent) -> None:
        self._publisher.publish(LIFECYCLE, lifecycle_event(run, milestone))
        log.info("published: %s", milestone.phase, extra={"run": run.key, "attempt": milestone.attempt})


def lifecycle_event(run: Run, milestone: LifecycleEvent) -> Event:
    """Return the event of a milestone: its id is always the same, its data is the run's present state."""
    return Event(
        id=f"{run.uid}/{milestone}",
        source=SOURCE,
        type=f"platform.agents.{run.kind.lower()}.{milestone.phase}.v1",
        subject=run.key,
        data={"spec": run.raw.get("spec"), "status": run.raw.get("status")},
    )
