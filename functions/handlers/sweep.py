"""The function `sweep`: the scheduled pass that heals whatever events missed.

It drives every run without the mark of a finished one, and reports what was not told of it in time. Jobs are listed
before their pods and both before the runs, so that a Job seen as ended is judged by pods as they were after its end;
what is older than the run is read again before anything is made of it. Once an hour, everything is.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial

from functions.cluster.errors import Conflict
from functions.cluster.kinds import JOB, POD
from functions.events.event import RETENTION_DUE, MalformedError
from functions.events.normalise import normalise
from functions.events.publisher import Publisher, PublishError
from functions.handlers import admission, promotion, retention
from functions.handlers.driver import Known, advance, isolated, read
from functions.handlers.http import Answer, Request
from functions.handlers.report import tell
from functions.handlers.services import Services
from functions.runs.admission import Admission, Pass
from functions.runs.milestones import late
from functions.runs.observed import Job, Pod, parse_job, parse_pod
from functions.runs.run import Run

OURS = "app.kubernetes.io/managed-by=orchestrator"


@dataclass
class Snapshot:
    """Jobs by name and pods by their Job's name, in one namespace."""

    jobs: dict[str, Job] = field(default_factory=dict)
    pods: dict[str, list[Pod]] = field(default_factory=lambda: defaultdict(list))

    def known(self, run: Run) -> Known:
        """What the snapshot says of the run's attempt."""
        name = run.status.job_name or ""
        return Known(self.jobs.get(name), self.pods.get(name, []))


def handle(services: Services, request: Request) -> Answer:
    """Answers what was done, and which runs could not be driven.

    An event of the type RETENTION_DUE asks for the hourly pass over everything; whatever else comes, for this one.
    """
    if _type(request) == RETENTION_DUE:
        counts = retention.clean_up(services)
        message = ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "nothing was due"
        return Answer(200, {"success": not counts["failed"], "message": message, "data": dict(counts)})
    return _sweep(services)


def _type(request: Request) -> str:
    try:
        return normalise(request.headers, request.body).type
    except MalformedError:
        return ""


def _sweep(services: Services) -> Answer:
    snapshot, places, reports = _snapshot(services), Places(services), Reports(services)
    looked, failed = 0, []
    for run in admission.unfinished(services):
        looked += 1
        went_well = places.see(run) or isolated(run.key, partial(advance, services, run, snapshot.known(run)))
        if not (reports.catch_up(run) and went_well):
            failed.append(run.key)
    failed += places.give_out()
    data = {"looked": looked, "failed": failed}
    return Answer(200, {"success": not failed, "message": f"looked at {looked} runs", "data": data})


def _snapshot(services: Services) -> Snapshot:
    found, namespace = Snapshot(), services.settings.namespace
    for raw in services.cluster.list(JOB, namespace, OURS):
        found.jobs[raw["metadata"]["name"]] = parse_job(raw)
    for raw in services.cluster.list(POD, namespace, OURS):
        found.pods[raw["metadata"]["labels"].get("job-name", "")].append(parse_pod(raw))
    return found


class Reports:
    """What the event of a change should have told in time, and did not."""

    def __init__(self, services: Services) -> None:
        self._services, self._publisher = services, services.publisher

    def catch_up(self, run: Run) -> bool:
        """Tells what is late; whether that went well. What one run waited for in vain, the others do not wait for."""
        publisher = self._publisher
        if publisher is None or not late(run.status, self._services.clock()):
            return True
        return isolated(run.key, partial(self._tell, publisher, run))

    def _tell(self, publisher: Publisher, run: Run) -> None:
        try:
            tell(self._services, publisher, read(self._services, run.kind, run.namespace, run.name))
        except PublishError:
            self._publisher = None
            raise


class Places:
    """Runs that lack nothing but a place are left to one pass over all of them, instead of asking one by one."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._book = admission.Book(services) if services.policy.limits.on else None
        if self._book:
            self._pass = Pass(self._book.ledger, services.policy.limits, services.clock())

    def see(self, run: Run) -> bool:
        """Whether the run is left to the pass."""
        return self._book is not None and self._pass.see(run)

    def _admitted(self, book: admission.Book) -> Admission | None:
        try:
            return admission.close(self._services, book, self._pass)
        except Conflict:  # somebody started or ended meanwhile
            return admission.free_places(self._services, although_none_waits=True)

    def give_out(self) -> list[str]:
        """Starts those who got a place, and shows the others that they wait; answers who could not be driven."""
        if self._book is None:
            return []
        found = self._admitted(self._book)
        if found is None:
            return []
        news = [each for each, _ in found.waiting if not each.shown]
        return promotion.start(self._services, [*found.admitted, *news])
