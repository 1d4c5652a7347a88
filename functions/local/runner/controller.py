"""Plays the Job controller: one pod per Job, its end counted, deadlines and expiry kept; drives the kubelet.

It looks at a Job as a whole: what is there, what follows, so it does not matter which event woke it, or whether a
step was made before.
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
from functions.local.runner.objects import Objects
from functions.local.runner.pods import TRACKING, pod_of
from functions.local.runner.records import Record, Records

_SUFFIX = string.ascii_lowercase + string.digits
_PREFIX_LENGTH = 58
"""Five random characters make it a label's 63 (Kubernetes: generateName)."""


class Controller:
    """All Jobs of the API server. `wake(job_uid, seconds)` asks for another `sync` so much later."""

    def __init__(
        self,
        objects: Objects,
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
        """Looks at one Job and what belongs to it, and does what follows. Raises ClusterError, OSError."""
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
        known = self._objects.get(JOB, job_uid)
        return known if known or not record else self._objects.find(JOB, record.namespace, record.job, job_uid)

    def _pod(self, record: Record, job: Object | None) -> Object | None:
        if record.pod_uid is None:
            return self._create(record, job)
        known = self._objects.get(POD, record.pod_uid)
        return known or self._objects.find(POD, record.namespace, record.pod, record.pod_uid)

    def _create(self, record: Record, job: Object | None) -> Object | None:
        """The record's pod, made if the Job is there to want it, or found if it was made before a crash."""
        pod = None
        if job and "deletionTimestamp" not in job["metadata"]:
            with suppress(AlreadyExists):
                pod = self._objects.create(POD, pod_of(job, record.pod, self._node))
        pod = pod or self._objects.find(POD, record.namespace, record.pod)
        if pod is None:
            self._records.forget(record)
            return None
        if record.job_uid not in [owner["uid"] for owner in pod["metadata"].get("ownerReferences") or ()]:
            raise ClusterError(f"pod {record.pod} belongs to somebody else")
        self._records.created(record, pod["metadata"]["uid"])
        return pod

    def _report(self, job: Object, record: Record | None, pod: Object | None, now: float) -> Object:
        """Writes the Job's status; once it is failing, its pod is deleted, and so ended by the kubelet."""
        stage = Stage.of(record)
        leaving = pod is None or "deletionTimestamp" in pod["metadata"]
        old = job.get("status") or {}
        status = jobs.status_of(job, stage, leaving, now)
        changed = {key: value for key, value in status.items() if value != old.get(key)}
        if changed:
            job = self._objects.patch(JOB, job, {"status": changed}, "status")
        if pod and not leaving and stage in jobs.ACTIVE and jobs.failure(job, stage, now):
            self._objects.delete(POD, pod)
        return job

    def _schedule(self, job: Object, now: float) -> None:
        """Deadline and expiry: now, or when they are due."""
        expires = jobs.expires(job)
        if expires is not None and now >= expires and "deletionTimestamp" not in job["metadata"]:
            self._objects.delete(JOB, job)
        for when in (jobs.deadline(job), expires):
            if when is not None and when > now:
                self._wake(job["metadata"]["uid"], when - now)

    def _release(self, record: Record, job: Object | None, pod: Object | None) -> None:
        """The pod is counted: it may go, and where it is to go, it goes now. A record goes with both."""
        if record.outcome and pod:
            finalizers = pod["metadata"].get("finalizers") or []
            if TRACKING in finalizers:
                kept = [each for each in finalizers if each != TRACKING]
                pod = self._objects.patch(POD, pod, {"metadata": {"finalizers": kept}})
            if "deletionTimestamp" in pod["metadata"]:
                self._objects.delete(POD, pod)
        elif record.outcome and not job:
            self._records.forget(record)
