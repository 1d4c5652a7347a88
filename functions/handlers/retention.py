"""The hourly pass over everything there is: what has been kept long enough is deleted, and what no run owns any more.

Runs come first, and little of each is kept; then task files are judged page by page, without their content, for they
are most of what is stored. One whose run is not among them is looked up before it is taken for an orphan. Deletions
carry the uid and version that were seen; who is second finds nothing. Jobs are left to their TTL and to the cluster's
garbage collector: the functions cannot delete any, so that no attempt's lock is ever lost by us. When its time is
nearly over, the pass hands on: the next one reads the runs again, and deletes from where this one came to.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from functions.cluster.errors import Conflict, NotFound
from functions.cluster.kinds import CLAIM, CONFIG_MAP, RUNS, Kind
from functions.events.event import RETENTION_DUE
from functions.handlers.alive import OURS
from functions.handlers.bookmark import Bookmark
from functions.handlers.catching_up import OnGithub
from functions.handlers.driver import drive, isolated
from functions.handlers.http import Answer
from functions.handlers.services import Services
from functions.handlers.walking import Deadline, Walk
from functions.manifests.bookmark import Mark
from functions.manifests.tombstone import TOMBSTONE
from functions.runs import group, naming
from functions.runs.decide import quiet
from functions.runs.retention import ORPHANED_AFTER, UNUSED_SINCE, expired
from functions.runs.run import Run, parse
from functions.runs.status import stamp

log = logging.getLogger("orchestrator")

KINDS = (*RUNS, CONFIG_MAP.name, CLAIM.name)
"""What is gone through, in this order."""

Object = Mapping[str, Any]
Chore = Callable[[Counter[str]], None]


@dataclass
class Known:
    """What is kept of the runs while the rest is gone through: small, since there may be many."""

    uids: set[str] = field(default_factory=set)
    workspaces: set[str] = field(default_factory=set)
    over: set[str] = field(default_factory=set)
    """Names of the task files whose attempt ended long enough ago."""


def handle(services: Services) -> Answer:
    """Answers how many of each were deleted, and where the next pass goes on, if not at the start."""
    counts, left_at = clean_up(services)
    words = [f"{count} {what}" for what, count in sorted(counts.items())]
    message = ", ".join([*words, *([f"out of time at {left_at}"] if left_at else [])]) or "nothing was due"
    data = {**counts, "left_at": str(left_at)} if left_at else dict(counts)
    return Answer(200, {"success": not counts["failed"], "message": message, "data": data})


def clean_up(services: Services) -> tuple[Counter[str], Mark | None]:
    """Deletes what has been kept long enough; how many of each there were, and `failed`; where it ran out of time.

    Raises a ClusterError.
    """
    counts: Counter[str] = Counter()
    deadline, bookmark = Deadline(services.clock), Bookmark(services, "retention", RETENTION_DUE, KINDS)
    for number, (at, chore) in enumerate(_chores(services, bookmark.mark or Mark(KINDS[0]))):
        if number and deadline.over:
            bookmark.hand_on(at)
            return counts, at
        chore(counts)
    bookmark.done()
    return counts, None


def _chores(services: Services, begin: Mark) -> Iterator[tuple[Mark, Chore]]:
    """All that is to be looked at behind `begin`, each with the mark of what was before it."""
    claims = [*Walk(services, [CLAIM], labels=OURS, metadata_only=True)]  # before the runs that may use them
    known, on_github = Known(), OnGithub(services)
    runs = Walk(services, [*RUNS.values()])
    for raw in runs:
        run = parse(raw)
        _note(known, run, services.clock() - services.retention.task_files)
        if _is_left(begin, run.kind, run.name):
            yield runs.at, partial(_run, services, on_github, run)
    maps = Walk(services, [CONFIG_MAP], begin, labels=OURS, metadata_only=True)
    if _is_left(begin, CLAIM.name, ""):
        for item in maps:
            yield maps.at, partial(_map, services, item["metadata"], known)
    at = Mark(CLAIM.name)
    for item in claims:
        if _is_left(begin, CLAIM.name, item["metadata"]["name"]):
            yield at, partial(_claim, services, item["metadata"], known)
            at = Mark(CLAIM.name, item["metadata"]["name"])


def _is_left(begin: Mark, kind: str, name: str) -> bool:
    return (KINDS.index(kind), name) > (KINDS.index(begin.kind), begin.after)


def _note(known: Known, run: Run, since: datetime) -> None:
    known.uids.add(run.uid)
    workspace = naming.workspace(run.spec) if run.unreadable and run.spec else run.status.workspace_name
    if workspace:
        known.workspaces.add(workspace)
    known.over |= {each.job_name for each in run.status.attempts if each.finished_at and each.finished_at <= since}


def _run(services: Services, on_github: OnGithub, run: Run, counts: Counter[str]) -> None:
    """A finished run is in no other list: here it expires, and what its lost events asked for is done."""
    now = services.clock()
    if group.FINISHED not in run.labels:
        return
    if expired(run, now):
        _delete(services, RUNS[run.kind], run.raw["metadata"], "expired runs", counts)
    elif not quiet(run, now):
        done = isolated(run.key, partial(drive, services, run.kind, run.namespace, run.name))
        counts["driven" if done else "failed"] += 1
    else:
        told = on_github.catch_up(run)
        if told is not None:
            counts["told to GitHub" if told else "failed"] += 1


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
    elif metadata["name"] in known.over:
        _delete(services, CONFIG_MAP, metadata, "task files", counts)


def _owner(metadata: Object) -> Object | None:
    """The reference to the run it was made for."""
    owners = (owner for owner in metadata.get("ownerReferences", ()) if owner["apiVersion"] == group.API_VERSION)
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
    longest, since = services.retention.workspaces, _unused_since(metadata)
    used = metadata["name"] in known.workspaces
    if longest is None or "deletionTimestamp" in metadata or (used and since is None):
        return None
    now = services.clock()
    if used or since is None:
        return _annotate(services, metadata, None if used else stamp(now))
    if now - since < longest:
        return None
    counts["unused workspaces"] += 1
    log.warning("workspace %s is unused since %s", metadata["name"], since)
    if services.retention.delete_workspaces:
        _delete(services, CLAIM, metadata, "workspaces", counts)
    return None


def _unused_since(metadata: Object) -> datetime | None:
    """When it was marked; a time that nobody can read, or of no time zone, is no mark."""
    try:
        found = datetime.fromisoformat(metadata.get("annotations", {}).get(UNUSED_SINCE, ""))
    except ValueError:
        return None
    return found if found.tzinfo else None


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
