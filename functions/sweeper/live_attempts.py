"""The attempts that are under way, listed once for a whole pass: so that a run whose agent works costs no call.

What has ended is not kept, and is read again when a run is found that has not heard of it: a finished Job stays for
a day with its pods and their reports, so that there are many more of them than there is ever work for. Of the others
some 600 bytes each are kept: a thousand take less than a tenth of the page of Jobs that they are read from.
"""

from collections.abc import Mapping
from typing import Any

from functions.cluster.kinds import JOB, POD
from functions.reconciler.reconciler import Preloaded
from functions.runs.lifecycle.observed import Job, Pod, parse_job, parse_pod
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies

OURS = "app.kubernetes.io/managed-by=orchestrator"


class LiveAttempts:
    """Jobs that have not ended by name, and the pods of these that have not, in one namespace."""

    def __init__(self, services: Dependencies) -> None:
        """Lists them, Jobs before pods. Raises a ClusterError."""
        self._jobs: dict[str, Job] = {}
        self._pods: dict[str, tuple[Pod, ...]] = {}
        namespace = services.settings.namespace
        for raw in services.cluster.list(JOB, namespace, OURS):
            job = parse_job(raw)
            if not (job.ended or job.fence):
                self._jobs[job.name] = job
        for raw in services.cluster.list(POD, namespace, OURS):
            pod, owner = parse_pod(raw), self._job_of(raw)
            if owner and not pod.terminal:
                self._pods[owner.name] = (*self._pods.get(owner.name, ()), pod)

    def _job_of(self, pod: Mapping[str, Any]) -> Job | None:
        return self._jobs.get(pod["metadata"]["labels"].get("job-name", ""))

    def known(self, run: Run) -> Preloaded:
        """What need not be read of the run's attempt: all of it where its Job works, else nothing."""
        job = self._jobs.get(run.status.job_name or "")
        return Preloaded(job, self._pods.get(job.name, ())) if job else Preloaded()
