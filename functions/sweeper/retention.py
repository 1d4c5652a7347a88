"""The hourly pass over everything there is: what has been kept long enough is deleted, and what no run owns any more.

Runs come first; what is kept of each for judging the rest is little (leftovers.py, workspaces.py), so that the memory
taken is that of a page. A ConfigMap whose run is not among them is looked up before it is taken for an orphan.
Deletions carry the uid and version that were seen. Jobs are left to their TTL and to the cluster's garbage collector:
the functions cannot delete any, so that no attempt's lock is ever lost by us. When its time is nearly over, the pass
hands on: the next one reads the runs again, and deletes from where this one came to.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from functions.cluster.kinds import CONFIG_MAP, RUNS, VOLUME_CLAIM
from functions.events.event import RETENTION_DUE
from functions.manifests.checkpoint import Cursor
from functions.reconciler.reconciler import reconcile
from functions.reporting.reporter import CatchUp, reporters
from functions.runs import api_group
from functions.runs.lifecycle.decide import needs_no_reconcile
from functions.runs.model.run import Run, parse
from functions.runs.retention import expired
from functions.serving.dependencies import Dependencies
from functions.serving.http import Answer
from functions.storage.isolation import isolate_errors
from functions.sweeper.deletion import Chore, delete, seen
from functions.sweeper.garbage import Leftovers
from functions.sweeper.handover import Handover
from functions.sweeper.live_attempts import OURS
from functions.sweeper.scan import PagedScan, TimeBudget
from functions.sweeper.workspaces import Workspaces

KINDS = (*RUNS, CONFIG_MAP.name, VOLUME_CLAIM.name)
"""What is gone through, in this order."""


def handle(services: Dependencies) -> Answer:
    """Answers how many of each were deleted, and where the next pass goes on, if not at the start."""
    counts, left_at = clean_up(services)
    words = [f"{count} {what}" for what, count in sorted(counts.items())]
    message = ", ".join([*words, *([f"out of time at {left_at}"] if left_at else [])]) or "nothing was due"
    data = {**counts, "left_at": str(left_at)} if left_at else dict(counts)
    return Answer(200, {"success": not counts["failed"], "message": message, "data": data})


def clean_up(services: Dependencies) -> tuple[Counter[str], Cursor | None]:
    """Deletes what has been kept long enough; how many of each there were, and `failed`; where it ran out of time.

    Raises a ClusterError.
    """
    counts: Counter[str] = Counter()
    deadline, handover = TimeBudget(services.clock), Handover(services, "retention", RETENTION_DUE, KINDS)
    for number, (at, chore) in enumerate(_chores(services, handover.cursor or Cursor(KINDS[0]))):
        if number and deadline.over:
            handover.hand_on(at)
            return counts, at
        chore(counts)
    handover.done()
    return counts, None


def _chores(services: Dependencies, begin: Cursor) -> Iterator[tuple[Cursor, Chore]]:
    """All that is to be looked at behind `begin`, each with the mark of what was before it."""
    workspaces = Workspaces(services)  # before the runs that may use them
    leftovers, reports = Leftovers(services), CatchUp(services, reporters(services))
    runs = PagedScan(services, [*RUNS.values()])
    for raw in runs:
        run = parse(raw)
        leftovers.note(run)
        workspaces.note(run)
        if _is_left(begin, run.kind, run.name):
            yield runs.at, partial(_run, services, reports, run)
    maps = PagedScan(services, [CONFIG_MAP], begin, labels=OURS, metadata_only=True)
    if _is_left(begin, VOLUME_CLAIM.name, ""):
        for item in maps:
            yield maps.at, partial(leftovers.look, item["metadata"])
    at = Cursor(VOLUME_CLAIM.name)
    for name, chore in workspaces.chores():
        if _is_left(begin, VOLUME_CLAIM.name, name):
            yield at, chore
            at = Cursor(VOLUME_CLAIM.name, name)


def _is_left(begin: Cursor, kind: str, name: str) -> bool:
    return (KINDS.index(kind), name) > (KINDS.index(begin.kind), begin.after)


def _run(services: Dependencies, reports: CatchUp, run: Run, counts: Counter[str]) -> None:
    """A finished run is in no other list: here it expires, and what its lost events asked for is done."""
    now = services.clock()
    if api_group.FINISHED not in run.labels:
        return
    if expired(run, now):
        delete(services, RUNS[run.kind], seen(run.raw["metadata"]), "expired runs", counts)
    elif not needs_no_reconcile(run, now):
        done = isolate_errors(run.key, partial(reconcile, services, run.kind, run.namespace, run.name))
        counts["driven" if done else "failed"] += 1
    else:
        reported = reports.report_if_overdue(run)
        if reported is not None:
            counts["reported" if reported else "failed"] += 1
