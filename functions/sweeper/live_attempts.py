"""The open attempts, listed once for a whole pass, so that a run whose agent works needs no call.

Pods that have ended and Jobs that succeeded are not listed; failed Jobs are left out. All are read again for a run that
does not know of their end: they are kept for a day, so there are many more of them. A live attempt takes some 600
bytes: a thousand of them take less than a tenth of the page of Jobs that they are read from.
"""

from collections.abc import Mapping
from typing import Any

from functions.cluster.kinds import JOB, POD
from functions.reconciler.reconciler import Preloaded
from functions.runs import api_group
from functions.runs.lifecycle.observed import Job, Pod, parse_job
from functions.runs.lifecycle.pod_status import parse_pod
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies

OURS = "app.kubernetes.io/managed-by=orchestrator"
"""Label selector of the objects that the functions create."""
OF_RUNS = api_group.label("kind")
"""Label selector of what is created for a run; policies of a cluster may rewrite well-known labels, not this one."""
UNSUCCESSFUL_JOBS = "status.successful=0"
LIVE_PODS = "status.phase!=Succeeded,status.phase!=Failed"
"""Field selectors that the API server applies to Jobs and pods (kubernetes: pkg/apis/batch/v1, core/v1 conversion)."""


class LiveAttempts:
    """Jobs that have not ended, by name, and their pods that have not ended, in one namespace."""

    def __init__(self, deps: Dependencies) -> None:
        """List the Jobs, then the pods. Raises ClusterError."""
        self._jobs: dict[str, Job] = {}
        self._pods: dict[str, tuple[Pod, ...]] = {}
        namespace = deps.settings.namespace
        for raw in deps.cluster.list(JOB, namespace, OF_RUNS, fields=UNSUCCESSFUL_JOBS):
            job = parse_job(raw)
            if not (job.ended or job.fence):
                self._jobs[job.name] = job
        for raw in deps.cluster.list(POD, namespace, OF_RUNS, fields=LIVE_PODS):
            pod, owner = parse_pod(raw), self._job_of(raw)
            if owner and not pod.terminal:
                self._pods[owner.name] = (*self._pods.get(owner.name, ()), pod)

    def known(self, run: Run) -> Preloaded:
        """Return the Job and pods of the run's attempt if its Job is live; otherwise they have to be read."""
        job = self._jobs.get(run.status.job_name or "")
        return Preloaded(job, self._pods.get(job.name, ())) if job else Preloaded()

    def _job_of(self, pod: Mapping[str, Any]) -> Job | None:
        return self._jobs.get(pod["metadata"]["labels"].get("job-name", ""))
