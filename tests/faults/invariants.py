"""Invariants, checked on every change that the API server stores.

- An attempt's Job is created only after the run's status names it, never for a finished run and never twice. While its
  run exists, only its TTL deletes it: its name is the attempt's lock.
- A Job is deleted only with its pods.
- One run never has two live Jobs, nor a live Job while a pod of another attempt runs, whether that pod still has a Job
  or not. (Live: may start pods, not ended. A Job that was stopped after the end of its agent is not live: it may exist
  beside the next attempt's while a sidecar has its grace period.)
- Only a raised contextVersion moves a run out of a finished state; its verdict does not change.
- Attempts are numbered 1, 2, 3 without gaps; none is lost, changed after its end, or ended while its pod runs.
- A status field that only a newer revision knows is kept.
- Labels and annotations that people and their tools set on a run are kept.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from functions.local.apiserver.store import Change, Key
from functions.runs import api_group
from functions.runs.lifecycle import states
from functions.runs.model import conditions
from functions.runs.model.run import Run, parse
from tests.support.in_process_server import StoreContent
from tests.support.node import agent_state

Object = Mapping[str, Any]
RUNS, JOB, POD = ("coderuns.agents.platform", "docsruns.agents.platform"), "jobs.batch", "pods"


@lru_cache(maxsize=50_000)
def parse_body(body: str) -> Object:
    """Return the object in a body. It is cached: do not change it."""
    found: Object = json.loads(body)
    return found


@lru_cache(maxsize=20_000)
def parse_run(body: str) -> Run:
    """Return the run in a body."""
    return parse(parse_body(body))


class InvariantChecker:
    """Checks the changes on a server that starts with `content`; `violations` has a message for each violation."""

    def __init__(self, content: StoreContent) -> None:
        self.violations: list[str] = []
        self.expired: set[str] = set()
        """Names of Jobs that were deleted at the end of their TTL."""
        self._bodies = dict(content.bodies)
        self.started = {self._lock(job) for job in self._objects(JOB) if _owner(job) and not is_fence(job)}
        """Each Job that ever started an agent, by the uid of its run and its own name."""

    def restore(
        self,
        content: StoreContent,
        started: Iterable[tuple[str, str]],
        expired: Iterable[str],
        violations: Iterable[str],
    ) -> None:
        """Restore an earlier state of the checker."""
        self._bodies = dict(content.bodies)
        self.started, self.expired, self.violations = set(started), set(expired), list(violations)

    def see(self, change: Change) -> None:
        """Check a change that the server has just stored."""
        if change.type == "DELETED":
            self._bodies.pop(change.key, None)
        else:
            self._bodies[change.key] = change.body
        if change.key.resource in RUNS:
            self.violations += self._run_changed(change)
        elif change.key.resource == JOB:
            self.violations += self._job_changed(change)

    def _run_changed(self, change: Change) -> Iterator[str]:
        if change.previous is None or change.type == "DELETED":
            return
        before, after = parse_run(change.previous), parse_run(change.body)
        if before.uid == after.uid:
            yield from _steps_back(before, after)
            yield from _attempts_lost(before, after)
            yield from _fields_lost(before, after)
            yield from _labels_lost(before, after)
            yield from self._ended_early(before, after)

    def _ended_early(self, before: Run, after: Run) -> Iterator[str]:
        ended = before.status.open_attempt
        if ended is None or after.status.open_attempt is not None:
            return
        body = self._bodies.get(Key(JOB, after.namespace, ended.job_name))
        ours = body is None or _owner(parse_body(body)) == after.uid
        if ours and self._is_running(ended.job_name):
            yield f"attempt {ended.attempt} was ended while its pod runs"

    def _job_changed(self, change: Change) -> Iterator[str]:
        job = parse_body(change.body)
        run = self._run_of(job)
        if run is None or run.deleting:
            return
        if change.type == "DELETED":
            if change.key.name not in self.expired:
                yield f"Job {change.key.name} was deleted while its run exists"
            if self._is_running(change.key.name, orphaned=True):
                yield f"Job {change.key.name} was deleted, and its pod still runs"
        elif is_live(job) and (change.previous is None or not is_live(parse_body(change.previous))):
            yield from self._created_live(job, change.key.name, run)

    def _created_live(self, job: Object, name: str, run: Run) -> Iterator[str]:
        attempt = run.status.open_attempt
        if attempt is None or attempt.job_name != name:
            yield f"Job {name} was created, but the status does not name it as that of the open attempt"
        if self._lock(job) in self.started:
            yield f"Job {name} was created a second time: its agent is started twice"
        self.started.add(self._lock(job))
        for other in self._objects(JOB):
            if other["metadata"]["name"] != name and _owner(other) == run.uid and self._may_start_pods(other):
                yield f"Job {name} was created while {other['metadata']['name']} may start pods"
        for other_attempt in run.status.attempts:
            if other_attempt.job_name != name and self._is_running(other_attempt.job_name):
                yield f"Job {name} was created while a pod of {other_attempt.job_name} runs"

    def _may_start_pods(self, job: Object) -> bool:
        """Return whether the Job may still start an agent; not if it was stopped after the end of its agent.

        The Job controller checks the deadline, which has passed, before it creates pods.
        """
        ended = ("terminated" in agent_state(pod) for pod in self._pods(job["metadata"]["name"]))
        return is_live(job) and not (job["spec"].get("activeDeadlineSeconds") == 1 and any(ended))

    def _is_running(self, job: str, *, orphaned: bool = False) -> bool:
        """Return whether an agent of the Job's pods runs; with `orphaned`, only of pods without an owner."""
        running = (pod for pod in self._pods(job) if "running" in agent_state(pod))
        working = (pod for pod in running if pod["status"]["phase"] == "Running")
        return any(not (orphaned and pod["metadata"].get("ownerReferences")) for pod in working)

    def _pods(self, job: str) -> list[Object]:
        return [pod for pod in self._objects(POD) if pod["metadata"]["labels"].get("job-name") == job]

    def _run_of(self, job: Object) -> Run | None:
        uid = _owner(job)
        runs = (parse_run(body) for key, body in self._bodies.items() if key.resource in RUNS)
        return next((run for run in runs if run.uid == uid), None)

    def _objects(self, resource: str) -> list[Object]:
        return [parse_body(body) for key, body in self._bodies.items() if key.resource == resource]

    @staticmethod
    def _lock(job: Object) -> tuple[str, str]:
        return _owner(job) or "", job["metadata"]["name"]


def _steps_back(before: Run, after: Run) -> Iterator[str]:
    was, became = states.state(before.status), states.state(after.status)
    if was not in states.FINISHED or before.status.model_copy(update=_noted(before, after)) == after.status:
        return
    raised = getattr(after.spec, "context_version", 1) > (before.status.context_version or 1)
    if not raised:
        yield f"a finished run went from {was.name} to {became.name}"


def _noted(before: Run, after: Run) -> dict[str, Any]:
    """Return the values that may change in a finished status: reports, pull request, observed generation, extras."""
    status = after.status
    known: dict[str, Any] = {"reported": status.reported, "pull_request_url": status.pull_request_url}
    if status.observed_generation == after.generation:
        observed = conditions.with_generation(before.status.conditions, after.generation)
        known |= {"observed_generation": after.generation, "conditions": observed}
    return known | (status.model_extra or {})


def _attempts_lost(before: Run, after: Run) -> Iterator[str]:
    old, new = before.status.attempts, after.status.attempts
    numbers = [attempt.attempt for attempt in new]
    if numbers != list(range(1, len(new) + 1)) or len(new) not in (len(old), len(old) + 1):
        yield f"attempts went from {[attempt.attempt for attempt in old]} to {numbers}"
    for was, is_now in zip(old, new, strict=False):
        if was.finished_at and was != is_now:
            yield f"attempt {was.attempt} ended as {was.reason} and then was written as {is_now.reason}"


def _fields_lost(before: Run, after: Run) -> Iterator[str]:
    lost = (before.status.model_extra or {}).keys() - (after.status.model_extra or {}).keys()
    if lost:
        yield f"the status lost {', '.join(sorted(lost))}, which a newer revision wrote"


def _labels_lost(before: Run, after: Run) -> Iterator[str]:
    for field in ("labels", "annotations"):
        was, became = before.raw["metadata"].get(field) or {}, after.raw["metadata"].get(field) or {}
        for name, value in was.items():
            if not name.startswith(api_group.label("")) and became.get(name) != value:
                yield f"{field} of others changed: {name} from {value} to {became.get(name)}"


def is_fence(job: Object) -> bool:
    """Return whether the Job exists only to reserve its name."""
    return bool(job["spec"].get("parallelism", 1) == 0)


def is_live(job: Object) -> bool:
    """Return whether the Job may have a running pod."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return not is_fence(job) and not any(c["status"] == "True" for c in conditions)


def _owner(job: Object) -> str | None:
    owners = job["metadata"].get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)
