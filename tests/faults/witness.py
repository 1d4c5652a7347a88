"""Watches every commit of the API server and remembers what must never be, at the moment it is.

- An attempt's Job is made only after the run's status names it, never for a finished run, and is not deleted while
  its run exists: its name is the attempt's lock.
- Never two live Jobs of one run, nor a live Job while a pod of another one works. (Live: may start pods, not ended.)
- A finished status goes back only by a rise of contextVersion, and is not decided twice.
- Attempts are numbered 1, 2, 3 without gaps; none is lost or decided again, or ended while its pod works.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from functions.local.apiserver.store import Change, Key, Store
from functions.runs import lifecycle
from functions.runs.run import Run, parse

Object = Mapping[str, Any]
RUN, JOB, POD = "coderuns.agents.platform", "jobs.batch", "pods"


class Witness:
    """What was seen of the server's CodeRuns; `violations` says in words what was wrong."""

    def __init__(self, store: Store) -> None:
        self.violations: list[str] = []
        self._store = store
        store.observe(self._see)

    def _see(self, change: Change) -> None:
        found = {RUN: self._run_changed, JOB: self._job_changed}.get(change.key.resource)
        if found:
            self.violations += found(change)

    def _run_changed(self, change: Change) -> Iterator[str]:
        if change.previous is None or change.type == "DELETED":
            return
        before, after = parse(json.loads(change.previous)), parse(json.loads(change.body))
        if before.uid == after.uid:
            yield from _steps_back(before, after)
            yield from _attempts_lost(before, after)
            yield from self._ended_early(before, after)

    def _ended_early(self, before: Run, after: Run) -> Iterator[str]:
        ended = before.status.open_attempt
        if ended is None or after.status.open_attempt is not None:
            return
        text = self._store.get(Key(JOB, after.namespace, ended.job_name))
        if text and _owner(json.loads(text)) == after.uid and self._works(after.namespace, ended.job_name):
            yield f"attempt {ended.attempt} was ended while its pod works"

    def _job_changed(self, change: Change) -> Iterator[str]:
        job = json.loads(change.body)
        run = self._run_of(job)
        if run is None or run.deleting:
            return
        if change.type == "DELETED":
            yield f"Job {change.key.name} was deleted while its run exists"
        elif is_live(job) and (change.previous is None or not is_live(json.loads(change.previous))):
            yield from self._comes_to_life(change.key, run)

    def _comes_to_life(self, key: Key, run: Run) -> Iterator[str]:
        attempt = run.status.open_attempt
        if attempt is None or attempt.job_name != key.name:
            yield f"Job {key.name} was made, but the status does not name it as the attempt under way"
        for other in self._objects(JOB, key.namespace):
            name = other["metadata"]["name"]
            if name != key.name and _owner(other) == run.uid and (is_live(other) or self._works(key.namespace, name)):
                yield f"Job {key.name} was made while {name} works"

    def _works(self, namespace: str, job: str) -> bool:
        pods = (pod for pod in self._objects(POD, namespace) if pod["metadata"]["labels"].get("job-name") == job)
        return any((pod.get("status") or {}).get("phase") == "Running" for pod in pods)

    def _run_of(self, job: Object) -> Run | None:
        key = self._store.by_uid(_owner(job) or "")
        text = self._store.get(key) if key and key.resource == RUN else None
        return parse(json.loads(text)) if text else None

    def _objects(self, resource: str, namespace: str) -> list[Object]:
        return [json.loads(text) for text in self._store.bodies(resource, namespace)]


def _steps_back(before: Run, after: Run) -> Iterator[str]:
    was, became = lifecycle.state(before.status), lifecycle.state(after.status)
    if was not in lifecycle.FINISHED or before.status == after.status:
        return
    raised = getattr(after.spec, "context_version", 1) > (before.status.context_version or 1)
    if not raised:
        yield f"a finished run went from {was.name} to {became.name}"


def _attempts_lost(before: Run, after: Run) -> Iterator[str]:
    old, new = before.status.attempts, after.status.attempts
    numbers = [attempt.attempt for attempt in new]
    if numbers != list(range(1, len(new) + 1)) or len(new) not in (len(old), len(old) + 1):
        yield f"attempts went from {[attempt.attempt for attempt in old]} to {numbers}"
    for was, is_now in zip(old, new, strict=False):
        if was.finished_at and was != is_now:
            yield f"attempt {was.attempt} ended as {was.reason} and then was written as {is_now.reason}"


def is_live(job: Object) -> bool:
    """Whether the Job may have a pod that works."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return job["spec"].get("parallelism", 1) > 0 and not any(c["status"] == "True" for c in conditions)


def _owner(job: Object) -> str | None:
    owners = job["metadata"].get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)
