"""Watches every commit of the API server and remembers what must never be, at the moment it is.

- An attempt's Job is made only after the run's status names it, never for a finished run, never a second time, and
  is not deleted while its run exists but by its TTL: its name is the attempt's lock.
- No Job is deleted without its pods.
- Never two live Jobs of one run, nor a live Job while a pod of another attempt works, whether that pod still has a
  Job or not. (Live: may start pods, not ended.)
- A finished status goes back only by a rise of contextVersion, and is not decided twice.
- Attempts are numbered 1, 2, 3 without gaps; none is lost or decided again, or ended while its pod works.
- A status field that we do not know, because a newer revision wrote it, stays.
- A label or annotation of people and their tools on a run stays.
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
    """An object from its body; it is kept, so it must not be changed."""
    found: Object = json.loads(body)
    return found


@lru_cache(maxsize=20_000)
def parse_run(body: str) -> Run:
    """A run from its body."""
    return parse(parse_body(body))


class InvariantChecker:
    """What was seen of the runs on a server since it had `content`; `violations` says in words what was wrong."""

    def __init__(self, content: StoreContent) -> None:
        self.violations: list[str] = []
        self.expired: set[str] = set()
        """Names of Jobs that their TTL removes."""
        self._bodies = dict(content.bodies)
        self.started = {self._lock(job) for job in self._objects(JOB) if _owner(job) and not is_fence(job)}
        """Every Job that was ever made to start an agent, by the uid of its run and its name."""

    def stand(
        self,
        content: StoreContent,
        started: Iterable[tuple[str, str]],
        expired: Iterable[str],
        violations: Iterable[str],
    ) -> None:
        """Goes to where it was when this was all it had seen."""
        self._bodies = dict(content.bodies)
        self.started, self.expired, self.violations = set(started), set(expired), list(violations)

    def see(self, change: Change) -> None:
        """Judges a change that was just made."""
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
        if ours and self._works(ended.job_name):
            yield f"attempt {ended.attempt} was ended while its pod works"

    def _job_changed(self, change: Change) -> Iterator[str]:
        job = parse_body(change.body)
        run = self._run_of(job)
        if run is None or run.deleting:
            return
        if change.type == "DELETED":
            if change.key.name not in self.expired:
                yield f"Job {change.key.name} was deleted while its run exists"
            if self._works(change.key.name, orphaned=True):
                yield f"Job {change.key.name} was deleted, and its pod works on"
        elif is_live(job) and (change.previous is None or not is_live(parse_body(change.previous))):
            yield from self._comes_to_life(job, change.key.name, run)

    def _comes_to_life(self, job: Object, name: str, run: Run) -> Iterator[str]:
        attempt = run.status.open_attempt
        if attempt is None or attempt.job_name != name:
            yield f"Job {name} was made, but the status does not name it as the attempt under way"
        if self._lock(job) in self.started:
            yield f"Job {name} was made a second time: its agent is started twice"
        self.started.add(self._lock(job))
        for other in self._objects(JOB):
            if other["metadata"]["name"] != name and _owner(other) == run.uid and is_live(other):
                yield f"Job {name} was made while {other['metadata']['name']} may start pods"
        for other_attempt in run.status.attempts:
            if other_attempt.job_name != name and self._works(other_attempt.job_name):
                yield f"Job {name} was made while a pod of {other_attempt.job_name} works"

    def _works(self, job: str, *, orphaned: bool = False) -> bool:
        """Whether the agent of a pod of the Job works; `orphaned`: one that is not deleted with it."""
        pods = (pod for pod in self._objects(POD) if pod["metadata"]["labels"].get("job-name") == job)
        working = (pod for pod in pods if "running" in agent_state(pod) and pod["status"]["phase"] == "Running")
        return any(not (orphaned and pod["metadata"].get("ownerReferences")) for pod in working)

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
    """What may change in a finished status: reports, its pull request, the generation that was observed, extras."""
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
    """Whether the Job is there only so that its name is taken."""
    return bool(job["spec"].get("parallelism", 1) == 0)


def is_live(job: Object) -> bool:
    """Whether the Job may have a pod that works."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return not is_fence(job) and not any(c["status"] == "True" for c in conditions)


def _owner(job: Object) -> str | None:
    owners = job["metadata"].get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)
