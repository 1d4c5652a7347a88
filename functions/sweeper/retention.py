"""The pass over all objects, each hour: it deletes what was kept long enough and what no run owns any more.

Runs come first. Little of each is remembered for judging the other objects (garbage.py, workspaces.py), so that the
pass takes the memory of a page. A ConfigMap whose run is not among them is an orphan only if the run cannot be read
either. Deletions carry the uid and version that were read. Jobs are left to their TTL and to the cluster's garbage
collector: the functions may not delete them, so that they can never free an attempt's lock. A pass that runs out of
time hands on: the next one reads the runs again, and deletes from where this one stopped.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from functions.cluster.kinds import CONFIG_MAP, RUNS, VOLUME_CLAIM
from functions.events.event import RETENTION_DUE
from functions.manifests.checkpoint import Cursor
from functions.reconciler.reconciler import reconcile
from functions.runs.api_group import FINISHED
from functions.runs.lifecycle.event_filters import needs_no_reconcile
from functions.runs.model.run import Run, parse
from functions.runs.retention import expired
from functions.serving.dependencies import Dependencies
from functions.serving.http import Answer
from functions.storage.error_isolation import isolate_errors
from functions.sweeper.garbage import Chore, ConfigMapGarbage, delete, version_of
from functions.sweeper.latest_runs import LatestRuns
from functions.sweeper.live_attempts import OURS
from functions.sweeper.overdue_reports import OverdueReports
from functions.sweeper.pass_continuation import PassContinuation
from functions.sweeper.scan import PagedScan, TimeBudget
from functions.sweeper.workspaces import Workspaces

KINDS = (*RUNS, CONFIG_MAP.name, VOLUME_CLAIM.name)
"""The kinds that the pass goes through, in this order."""


def run_pass(deps: Dependencies) -> Answer:
    """Run one pass; return how many objects of each sort were deleted, and where the next pass continues.

    Raises ClusterError.
    """
    counts, left_at = clean_up(deps)
    parts = [f"{count} {what}" for what, count in sorted(counts.items())]
    if left_at:
        parts.append(f"out of time at {left_at}")
    data = {**counts, "left_at": str(left_at)} if left_at else dict(counts)
    body = {"success": not counts["failed"], "message": ", ".join(parts) or "nothing was due", "data": data}
    return Answer(200, body)


def clean_up(deps: Dependencies) -> tuple[Counter[str], Cursor | None]:
    """Delete what was kept long enough; return the counts, with `failed` among them, and where time ran out.

    Raises ClusterError.
    """
    counts: Counter[str] = Counter()
    budget, continuation = TimeBudget(deps.clock), PassContinuation(deps, "retention", RETENTION_DUE, KINDS)
    for number, (at, chore) in enumerate(_chores(deps, continuation.cursor or Cursor(KINDS[0]))):
        if number and budget.over:
            continuation.continue_from(at)
            return counts, at
        chore(counts)
    continuation.done()
    return counts, None


def _chores(deps: Dependencies, begin: Cursor) -> Iterator[tuple[Cursor, Chore]]:
    """Yield what is to be done for each object after `begin`, with the cursor of the object before it."""
    workspaces = Workspaces(deps)  # before the runs that may use them
    garbage, reports, latest = ConfigMapGarbage(deps), OverdueReports(deps), LatestRuns(deps.retention.max_finished)
    runs = PagedScan(deps, [*RUNS.values()])
    for raw in runs:
        run = parse(raw)
        garbage.note(run)
        workspaces.note(run)
        if _is_after(begin, run.kind, run.name):
            yield runs.at, partial(_visit_run, deps, reports, run)
        for earliest in latest.keep(run):
            yield runs.at, partial(delete, deps, RUNS[earliest.kind], earliest.version, "runs above max_finished")
    config_maps = PagedScan(deps, [CONFIG_MAP], begin, labels=OURS, metadata_only=True)
    if _is_after(begin, VOLUME_CLAIM.name, ""):
        for item in config_maps:
            yield config_maps.at, partial(garbage.collect, item["metadata"])
    at = Cursor(VOLUME_CLAIM.name)
    for name, chore in workspaces.chores():
        if _is_after(begin, VOLUME_CLAIM.name, name):
            yield at, chore
            at = Cursor(VOLUME_CLAIM.name, name)


def _is_after(begin: Cursor, kind: str, name: str) -> bool:
    return (KINDS.index(kind), name) > (KINDS.index(begin.kind), begin.after)


def _visit_run(deps: Dependencies, reports: OverdueReports, run: Run, counts: Counter[str]) -> None:
    """Expire, drive or report a run with the label of finished ones, even if it is a copied label.

    No other pass lists it, so a lost event is made up for here.
    """
    now = deps.clock()
    if FINISHED not in run.labels:
        return
    if expired(run, now):
        delete(deps, RUNS[run.kind], version_of(run.raw["metadata"]), "expired runs", counts)
    elif not needs_no_reconcile(run, now):
        succeeded = isolate_errors(run.key, partial(reconcile, deps, run.kind, run.namespace, run.name))
        counts["driven" if succeeded else "failed"] += 1
    else:
        reported = reports.catch_up(run)
        if reported is not None:
            counts["reported" if reported else "failed"] += 1
