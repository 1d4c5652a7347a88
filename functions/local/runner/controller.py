"""The Job controller: creates one pod per Job, reports its end, enforces deadline and TTL, and drives the kubelet.

It is level-triggered: each sync acts on the current state of a Job, not on the event that caused it, and repeating a
step is harmless.
"""

import secrets
import string
from collections.abc import Callable
from contextlib import suppress

from functions.cluster.client import Object
from functions.cluster.errors import AlreadyExists, ClusterError
from functions.cluster.kinds import JOB, POD
from functions.local.runner import jobs
from functions.local.runner.jobs import Stage
from functions.local.runner.kubelet import Kubelet
from functions.local.runner.object_cache import ObjectCache
from functions.local.runner.pods import TRACKING, pod_of
from functions.local.runner.records import Record, Records

_SUFFIX = string.ascii_lowercase + string.digits
_PREFIX_LENGTH = 58
"""Five random characters are added; a label has at most 63 (Kubernetes: generateName)."""


class Controller:
    """Handles all Jobs of the API server; `wake(job_uid, seconds)` schedules another `sync` after that time."""

    def __init__(
        self,
        objects: ObjectCache,
        records: Records,
        kubelet: Kubelet,
        node: str,
        clock: Callable[[], float],
        wake: Callable[[str, float], None],
    ) -> None:
        self._objects = objects
        self._records = records
        self._kubelet = kubelet
        self._node = node
        self._clock = clock
        self._wake = wake

    def sync(self, job_uid: str) -> None:
        """Perform the next steps of one Job and its pod; raise ClusterError or OSError."""
        now = self._clock()
        record = self._records.get(job_uid)
        job = self._job(job_uid, record)
        if job and not record and jobs.wants_pod(job, now):
            record = self._claim(job)
        pod = None
        if record:
            pod = self._pod(record, job)
            record = self._records.get(job_uid)
        if record and record.pod_uid:
            record = self._kubelet.sync(record, pod, now)
        if job:
            job = self._report(job, record, pod, now)
            self._schedule(job, now)
        if record and (job is None or jobs.finished_at(job)):
            self._release(record, job, pod)

    def _claim(self, job: Object) -> Record:
        metadata = job["metadata"]
        suffix = "".join(secrets.choice(_SUFFIX) for _ in range(5))
        name = f"{metadata['name']}-"[:_PREFIX_LENGTH] + suffix
        return self._records.claimed(metadata["uid"], metadata["namespace"], metadata["name"], name)

    def _job(self, job_uid: str, record: Record | None) -> Object | None:
        cached = self._objects.get(JOB, job_uid)
        return cached if cached or not record else self._objects.find(JOB, record.namespace, record.job, job_uid)

    def _pod(self, record: Record, job: Object | None) -> Object | None:
        if record.pod_uid is None:
            return self._create(record, job)
        cached = self._objects.get(POD, record.pod_uid)
        return cached or self._objects.find(POD, record.namespace, record.pod, record.pod_uid)

    def _create(self, record: Record, job: Object | None) -> Object | None:
        """Create the record's pod if the Job exists, or return the one created before a crash."""
        pod = None
        if job and "deletionTimestamp" not in job["metadata"]:
            with suppress(AlreadyExists):
                pod = self._objects.create(POD, pod_of(job, record.pod, self._node))
        pod = pod or self._objects.find(POD, record.namespace, record.pod)
        if pod is None:
            self._records.delete(record)
            return None
        if record.job_uid not in [owner["uid"] for owner in pod["metadata"].get("ownerReferences") or ()]:
            raise ClusterError(f"pod {record.pod} exists and belongs to another owner than Job {record.job}")
        self._records.created(record, pod["metadata"]["uid"])
        return pod

    def _report(self, job: Object, record: Record | None, pod: Object | None, now: float) -> Object:
        """Write the Job's status; delete the active pod of a failing Job, so that the kubelet stops it."""
        stage = Stage.of(record)
        terminating = pod is None or "deletionTimestamp" in pod["metadata"]
        old = job.get("status") or {}
        status = jobs.status_of(job, stage, terminating, now)
        changed = {key: value for key, value in status.items() if value != old.get(key)}
        if changed:
            job = self._objects.patch(JOB, job, {"status": changed}, "status")
        if pod and not terminating and stage in jobs.ACTIVE and jobs.failure(job, stage, now):
            self._objects.delete(POD, pod)
        return job

    def _schedule(self, job: Object, now: float) -> None:
        """Delete an expired Job; otherwise wake when its deadline or expiry is due."""
        expires = jobs.expires(job)
        if expires is not None and now >= expires and "deletionTimestamp" not in job["metadata"]:
            self._objects.delete(JOB, job)
        for due in (jobs.deadline(job), expires):
            if due is not None and due > now:
                self._wake(job["metadata"]["uid"], due - now)

    def _release(self, record: Record, job: Object | None, pod: Object | None) -> None:
        """Remove the pod's finalizer after its end is counted; delete the record once Job and pod are deleted."""
        if record.outcome and pod:
            finalizers = pod["metadata"].get("finalizers") or []
            if TRACKING in finalizers:
                others = [finalizer for finalizer in finalizers if finalizer != TRACKING]
                pod = self._objects.patch(POD, pod, {"metadata": {"finalizers": others}})
            if "deletionTimestamp" in pod["metadata"]:
                self._objects.delete(POD, pod)
        elif record.outcome and not job:
            self._records.delete(record)
