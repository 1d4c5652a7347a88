"""The function `sweep`: the scheduled pass that heals whatever events missed.

It drives every run without the mark of a finished one. Jobs are listed before their pods and both before the runs, so
that a Job seen as ended is judged by pods as they were after its end; what is older than the run is read again before
anything is made of it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from functions.cluster.errors import ClusterError, NotFound
from functions.cluster.kinds import JOB, POD, RUNS
from functions.handlers.driver import Known, advance, log
from functions.handlers.http import Answer, Request
from functions.handlers.services import Services
from functions.runs import naming
from functions.runs.observed import Job, Pod, parse_job, parse_pod
from functions.runs.run import Run, parse

OURS = "app.kubernetes.io/managed-by=orchestrator"
UNFINISHED = f"!{naming.FINISHED}"


@dataclass
class Snapshot:
    """Jobs by name and pods by their Job's name, in one namespace."""

    jobs: dict[str, Job] = field(default_factory=dict)
    pods: dict[str, list[Pod]] = field(default_factory=lambda: defaultdict(list))

    def known(self, run: Run) -> Known:
        """What the snapshot says of the run's attempt."""
        name = run.status.job_name or ""
        return Known(self.jobs.get(name), self.pods.get(name, []))


def handle(services: Services, _: Request) -> Answer:
    """Answers how many runs were looked at, and which could not be driven; what the request says does not matter."""
    snapshot = _snapshot(services)
    looked, failed = 0, []
    for run in _unfinished(services):
        looked += 1
        try:
            advance(services, run, snapshot.known(run))
        except NotFound:
            log.info("gone", extra={"run": run.key})
        except ClusterError as error:  # one run never blocks the others; the next sweep comes to it again
            log.warning("could not be driven: %s", error, extra={"run": run.key})
            failed.append(run.key)
        except Exception:  # noqa: BLE001  (nor does a run that we cannot make sense of)
            log.exception("unexpected error", extra={"run": run.key})
            failed.append(run.key)
    data = {"looked": looked, "failed": failed}
    return Answer(200, {"success": not failed, "message": f"looked at {looked} runs", "data": data})


def _snapshot(services: Services) -> Snapshot:
    found, namespace = Snapshot(), services.settings.namespace
    for raw in services.cluster.list(JOB, namespace, OURS):
        found.jobs[raw["metadata"]["name"]] = parse_job(raw)
    for raw in services.cluster.list(POD, namespace, OURS):
        found.pods[raw["metadata"]["labels"].get("job-name", "")].append(parse_pod(raw))
    return found


def _unfinished(services: Services) -> Iterator[Run]:
    for kind in RUNS.values():
        for raw in services.cluster.list(kind, services.settings.namespace, UNFINISHED):
            yield parse(raw)
