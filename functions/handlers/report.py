"""The function `report`: tells the world of a run's milestones, then notes in `status.reported` what was told.

Told first and noted afterwards: an event may come twice, with the same id, and none is left out. What is noted is no
reason for anybody to drive the run, but for its end: only then is it marked as finished. GitHub is told after that,
and nothing waits for it (telling.py).
"""

from functions.cluster.errors import NotFound
from functions.cluster.kinds import RUNS
from functions.events.event import Event
from functions.queues.publisher import Publisher
from functions.queues.topics import LIFECYCLE
from functions.reconciler.reconciler import log
from functions.runs.lifecycle_events import LifecycleEvent, unpublished
from functions.runs.model.run import Run, parse
from functions.serving.dependencies import Dependencies
from functions.serving.http import ACKNOWLEDGED, Answer, Request
from functions.serving.watch_events import object_of
from functions.telemetry import context

SOURCE = "orchestrator/report"


def handle(services: Dependencies, request: Request) -> Answer:
    """Acknowledges once everything about the run is told; at once where nobody is told anything at all."""
    found = object_of(request)
    if not (services.publisher or services.github) or not found or found.kind not in RUNS or found.deleted:
        return ACKNOWLEDGED
    if found.snapshot is None or _has_news(services, found.snapshot):
        try:
            _tell_all(services, services.runs.get(found.kind, found.namespace, found.name))
        except NotFound:
            log.info("gone", extra={"run": f"{found.namespace}/{found.name}"})
    return ACKNOWLEDGED


def _tell_all(services: Dependencies, run: Run) -> None:
    context.bind_run(run)
    if services.publisher:
        run = tell(services, services.publisher, run)
    if services.github:
        from functions.reporting import github_sync  # only where there is an App to call GitHub as

        github_sync.tell(services, run)


def tell(services: Dependencies, publisher: Publisher, run: Run) -> Run:
    """Tells what is untold of the run, as just read, and notes it; the run after that.

    Raises:
        PublishError: the queue did not take an event; the same call later goes on from there.
        ClusterError: it was told and could not be noted; it will be told once more.
    """
    context.bind_run(run)
    published: set[LifecycleEvent] = set()

    def publish(run: Run) -> Run:
        news = unpublished(run.status)
        for milestone in news:
            if milestone not in published:
                publisher.publish(LIFECYCLE, event(run, milestone))
                published.add(milestone)
                log.info("told: %s", milestone.phase, extra={"run": run.key, "attempt": milestone.attempt})
        if not news:
            return run
        return services.runs.write_status(run, run.status.model_copy(update={"reported": str(news[-1])}))

    return services.runs.retry_on_conflict(run, publish, "its events are published with the next one")


def event(run: Run, milestone: LifecycleEvent) -> Event:
    """The lifecycle event of a milestone. Its id is the same whenever it is told; its data is what is so now."""
    return Event(
        id=f"{run.uid}/{milestone}",
        source=SOURCE,
        type=f"platform.agents.{run.kind.lower()}.{milestone.phase}.v1",
        subject=run.key,
        data={"spec": run.raw.get("spec"), "status": run.raw.get("status")},
    )


def _has_news(services: Dependencies, seen: object) -> bool:
    """Whether an object, as an event shows it, leaves something to tell; one that nobody can read is looked at."""
    try:
        run = parse(seen)  # type: ignore[arg-type]
        return bool(services.publisher and unpublished(run.status)) or _has_news_for_github(services, run)
    except (KeyError, TypeError, ValueError):
        return True


def _has_news_for_github(services: Dependencies, run: Run) -> bool:
    if services.github is None:
        return False
    from functions.reporting import github_sync

    return github_sync.news(services, run)
