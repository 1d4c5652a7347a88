"""The hourly pass over everything there is: what has been kept long enough is deleted, and what no run owns any more.

Task files are listed before the runs, so that a run that is missing was missing after its files were seen; without
their content, for they are most of what is stored. Deletions carry the uid and version that were seen; who is second
finds nothing. Jobs are left to their TTL and to the cluster's garbage collector: the functions cannot delete any, so
that no attempt's lock is ever lost by us.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from functions.cluster.errors import Conflict, NotFound
from functions.cluster.kinds import CLAIM, CONFIG_MAP, RUNS, Kind
from functions.handlers.driver import drive, isolated
from functions.handlers.services import Services
from functions.manifests.tombstone import TOMBSTONE
from functions.runs import naming
from functions.runs.decide import quiet
from functions.runs.retention import ORPHANED_AFTER, UNUSED_SINCE, expired
from functions.runs.run import Run, parse
from functions.runs.status import stamp

log = logging.getLogger("orchestrator")

OURS = "app.kubernetes.io/managed-by=orchestrator"
Object = Mapping[str, Any]


@dataclass
class Known:
    """What is kept of the runs while the rest is gone through: small, since there may be many."""

    uids: set[str] = field(default_factory=set)
    workspaces: set[str] = field(default_factory=set)
    ended: dict[str, datetime] = field(default_factory=dict)
    """When the attempt ended, by the name of its task files."""


def clean_up(services: Services) -> Counter[str]:
    """Deletes what has been kept long enough; how many of each there were, and `failed`. Raises a ClusterError."""
    counts: Counter[str] = Counter()
    maps, claims = _listed(services, CONFIG_MAP), _listed(services, CLAIM)
    known = Known()
    for run in _runs(services):
        _note(known, run)
        _run(services, run, counts)
    for metadata in maps:
        _map(services, metadata, known, counts)
    for metadata in claims:
        _claim(services, metadata, known, counts)
    return counts


def _listed(services: Services, kind: Kind) -> list[Object]:
    found = services.cluster.list(kind, services.settings.namespace, OURS, metadata_only=True)
    return [item["metadata"] for item in found]


def _runs(services: Services) -> Iterator[Run]:
    for kind in RUNS.values():
        for raw in services.cluster.list(kind, services.settings.namespace):
            yield parse(raw)


def _note(known: Known, run: Run) -> None:
    known.uids.add(run.uid)
    if run.status.workspace_name:
        known.workspaces.add(run.status.workspace_name)
    for attempt in run.status.attempts:
        if attempt.finished_at:
            known.ended[attempt.job_name] = attempt.finished_at


def _run(services: Services, run: Run, counts: Counter[str]) -> None:
    """A finished run is in no other list: here it expires, and what its lost events asked for is done."""
    now = services.clock()
    if naming.FINISHED not in run.labels:
        return
    if expired(run, now):
        _delete(services, RUNS[run.kind], run.raw["metadata"], "expired runs", counts)
    elif not quiet(run, now):
        done = isolated(run.key, partial(drive, services, run.kind, run.namespace, run.name))
        counts["driven" if done else "failed"] += 1


def _map(services: Services, metadata: Object, known: Known, counts: Counter[str]) -> None:
    now, kept = services.clock(), services.retention
    age = now - datetime.fromisoformat(metadata["creationTimestamp"])
    if TOMBSTONE in metadata.get("labels", {}):
        if age >= kept.tombstones:
            _delete(services, CONFIG_MAP, metadata, "tombstones", counts)
        return
    owner = _owner(metadata)
    if owner is None or "deletionTimestamp" in metadata:
        return
    if owner["uid"] not in known.uids:
        if age >= ORPHANED_AFTER and _is_gone(services, metadata["namespace"], owner):
            _delete(services, CONFIG_MAP, metadata, "orphans", counts)
    else:
        ended = known.ended.get(metadata["name"])
        if ended and now - ended >= kept.task_files:
            _delete(services, CONFIG_MAP, metadata, "task files", counts)


def _owner(metadata: Object) -> Object | None:
    """The reference to the run it was made for."""
    owners = (owner for owner in metadata.get("ownerReferences", ()) if owner["apiVersion"] == naming.API_VERSION)
    return next((owner for owner in owners if owner["kind"] in RUNS), None)


def _is_gone(services: Services, namespace: str, owner: Object) -> bool:
    """The second look."""
    try:
        found = services.cluster.get(RUNS[owner["kind"]], namespace, owner["name"])
    except NotFound:
        return True
    return bool(found["metadata"]["uid"] != owner["uid"])


def _claim(services: Services, metadata: Object, known: Known, counts: Counter[str]) -> None:
    """A workspace that no run names is marked with the time, so that a later pass knows how long it has been so."""
    longest, since = services.retention.workspaces, metadata.get("annotations", {}).get(UNUSED_SINCE)
    used = metadata["name"] in known.workspaces
    if longest is None or "deletionTimestamp" in metadata or (used and since is None):
        return None
    now = services.clock()
    if used or since is None:
        return _annotate(services, metadata, None if used else stamp(now))
    if now - datetime.fromisoformat(since) < longest:
        return None
    counts["unused workspaces"] += 1
    log.warning("workspace %s is unused since %s", metadata["name"], since)
    if services.retention.delete_workspaces:
        _delete(services, CLAIM, metadata, "workspaces", counts)
    return None


def _annotate(services: Services, metadata: Object, since: str | None) -> None:
    change = {"resourceVersion": metadata["resourceVersion"], "annotations": {UNUSED_SINCE: since}}
    try:
        services.cluster.patch(CLAIM, metadata["namespace"], metadata["name"], {"metadata": change})
    except (Conflict, NotFound) as error:  # the next pass sees it as it is then
        log.info("workspace %s was not marked: %s", metadata["name"], error)


def _delete(services: Services, kind: Kind, metadata: Object, what: str, counts: Counter[str]) -> None:
    name = metadata["name"]
    try:
        services.cluster.delete(kind, metadata["namespace"], name, metadata["uid"], metadata["resourceVersion"])
        counts[what] += 1
        log.info("%s: %s deleted", what, name)
    except (Conflict, NotFound) as error:  # it has changed, or somebody else was first
        log.info("%s: %s was left alone: %s", what, name, error)
