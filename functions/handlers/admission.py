"""Places for runs that want to work: asked for by a run about to start, given out when one is free.

A run that finds room and nobody waiting takes its place with one read and one write of the ledger. Whoever may have
to wait, or would have to, has every unfinished run looked at, so that the order is kept.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace

from functions.cluster.errors import AlreadyExists, Conflict, NotFound
from functions.cluster.kinds import CONFIG_MAP, JOB, POD, RUNS
from functions.handlers.services import Services
from functions.manifests import ledger as manifest
from functions.runs import group, lifecycle, naming
from functions.runs.admission import Admission, Entry, Ledger, Pass, candidate, entry
from functions.runs.observed import parse_job, parse_pod
from functions.runs.run import Run, parse

log = logging.getLogger("orchestrator")

UNFINISHED = f"!{group.FINISHED}"
"""Selects the runs that may hold a place or wait for one."""

TRIES = 20
"""Writes of the ledger that may be lost to others before the caller's event is delivered again."""


class Book:
    """The ledger as it was read. Writes go to that version only."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._namespace = services.settings.namespace
        try:
            self._raw = services.cluster.get(CONFIG_MAP, self._namespace, manifest.NAME)
        except NotFound:
            self._raw = {}

    @property
    def kept(self) -> bool:
        """Whether there is one; otherwise nothing is known of who works."""
        return bool(self._raw)

    @property
    def ledger(self) -> Ledger:
        """What it says."""
        return manifest.parse(self._raw) if self._raw else Ledger()

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


def ask(services: Services, run: Run) -> str | None:
    """What the run, about to start, has to wait for; None once the ledger has its place. Raises ClusterError."""
    for _ in range(TRIES if services.policy.limits.on else 0):
        try:
            with services.turn:
                return _ask(services, run, Book(services))
        except Conflict:
            log.info("the ledger was written by somebody else", extra={"run": run.key})
    if services.policy.limits.on:
        raise Conflict(f"run {run.key} lost {TRIES} races for the ledger; it asks again with the next event")
    return None


def _ask(services: Services, run: Run, book: Book) -> str | None:
    ledger, mine = book.ledger, entry(run)
    if ledger.admits(run):
        return None
    obstacle = ledger.obstacle(run.uid, mine.holds, services.policy.limits)
    if book.kept and not obstacle and not ledger.waiting:
        book.write(ledger.having(run.uid, mine))
        return None
    if book.kept and obstacle and ledger.waiting:
        if not candidate(run).shown:  # whoever frees a place from now on finds that the ledger has changed
            book.write(replace(ledger, waiting=run.uid))
        return obstacle
    looked = Pass(ledger, services.policy.limits, services.clock())
    for other in unfinished(services):
        looked.see(other)
    _settle(services, looked)
    after, obstacle = looked.admit_only(run)
    book.write(after)
    return obstacle


def unfinished(services: Services) -> Iterator[Run]:
    """Every run that may hold a place or wait for one, page by page."""
    for kind in RUNS.values():
        for raw in services.cluster.list(kind, services.settings.namespace, UNFINISHED):
            yield parse(raw)


def _settle(services: Services, looked: Pass) -> None:
    """Keeps the places of runs that are gone but whose pods are not."""
    for uid, held in looked.unseen.items():
        if _works(services, uid, held):
            looked.keep(uid)


def _works(services: Services, uid: str, held: Entry) -> bool:
    namespace = services.settings.namespace
    try:
        run = parse(services.cluster.get(RUNS[held.kind], namespace, held.name))
    except NotFound:
        run = None
    if run and run.uid == uid:
        return lifecycle.state(run.status) not in lifecycle.FINISHED
    selector = f"{group.label('run')}={held.name},{group.label('kind')}={naming.kind_of_work(held.kind)}"
    # Jobs before pods: a Job that is gone makes no more of them.
    jobs = [parse_job(raw) for raw in services.cluster.list(JOB, namespace, selector)]
    if any(job.owner_uid == uid and not (job.ended or job.fence) for job in jobs):
        return True
    return any(not parse_pod(raw).terminal for raw in services.cluster.list(POD, namespace, selector))


def free_places(services: Services, *, although_none_waits: bool = False) -> Admission | None:
    """Gives out what is free, if somebody waits for it; the caller starts who was admitted. Raises ClusterError."""
    for _ in range(TRIES if services.policy.limits.on else 0):
        try:
            with services.turn:
                return _free_places(services, Book(services), although_none_waits=although_none_waits)
        except Conflict:
            log.info("the ledger was written by somebody else")
    return None


def _free_places(services: Services, book: Book, *, although_none_waits: bool) -> Admission | None:
    if not (book.ledger.waiting or although_none_waits):
        return None
    looked = Pass(book.ledger, services.policy.limits, services.clock())
    for run in unfinished(services):
        looked.see(run)
    return close(services, book, looked)


def close(services: Services, book: Book, looked: Pass) -> Admission:
    """Writes what the pass comes to. Raises Conflict where somebody else wrote the ledger first."""
    _settle(services, looked)
    found = looked.admit()
    book.write(found.ledger)
    return found
