"""Operations of the cluster: what others do to a run's objects at any moment.

A queue, a quota, sidecars, init containers, and people or tools that delete and edit objects. `nodes.py` has what the
cluster does afterwards.
"""

from contextlib import suppress

from functions.cluster.client import Cluster
from functions.cluster.errors import AlreadyExists, NotFound
from functions.cluster.kinds import CONFIG_MAP, EVENT, JOB, POD, VOLUME_CLAIM
from functions.cluster.transport import Transport
from functions.runs import api_group
from tests.faults.bench import NAMESPACE, Bench
from tests.faults.invariants import is_live
from tests.faults.nodes import Object
from tests.faults.operations import Operation
from tests.support.node import SimulatedNode, agent_state, container, warning
from tests.support.refusing import QUOTA
from tests.support.run_steps import DONE, LOST


def suspends(bench: Bench, transport: Transport) -> None:
    """Suspend the live Jobs, as a queue such as Kueue does."""
    cluster = Cluster(transport)
    for job in _live_jobs(cluster):
        cluster.patch(JOB, NAMESPACE, job["metadata"]["name"], {"spec": {"suspend": True}})


def has_no_room(bench: Bench, transport: Transport) -> None:
    """Reject the pods of live Jobs that have none, as a quota does."""
    cluster = Cluster(transport)
    for job in _live_jobs(cluster):
        name = job["metadata"]["name"]
        if not (job.get("status") or {}).get("active"):
            with suppress(AlreadyExists):
                cluster.create(EVENT, warning(NAMESPACE, "Job", name, "FailedCreate", f"pods are forbidden: {QUOTA}"))


def agent_ends_beside_sidecar(bench: Bench, transport: Transport) -> None:
    """End the running agents successfully, while a sidecar that a webhook injected keeps their pods running."""
    _end_agents(Cluster(transport), {"exitCode": 0, "message": DONE})


def agent_fails_beside_sidecar(bench: Bench, transport: Transport) -> None:
    """Make the running agents fail, while the sidecar keeps their pods running beside the next attempt's."""
    _end_agents(Cluster(transport), {"exitCode": 1, "message": LOST})


def _end_agents(cluster: Cluster, end: Object) -> None:
    for job, pod in _pods(cluster):
        if "running" in agent_state(pod):
            sidecar = container({"running": {}}, "adot-collector")
            agent = container({"terminated": {**end, "finishedAt": "2026-01-02T03:04:05Z"}})
            status = {"phase": "Running", "containerStatuses": [sidecar, agent]}
            SimulatedNode(cluster).set_pod_status(NAMESPACE, job, status)


def init_container_waits(bench: Bench, transport: Transport) -> None:
    """Let pods whose agent has not started wait for the image of their second init container."""
    cluster = Cluster(transport)
    for job in _live_jobs(cluster):
        pod = next(cluster.list(POD, NAMESPACE, f"job-name={job['metadata']['name']}"), None)
        if not {"running", "terminated"} & agent_state(pod).keys():
            copied = container({"terminated": {"exitCode": 0, "reason": "Completed"}}, "copy")
            waits = container({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}, "istio-init")
            agent = container({"waiting": {"reason": "PodInitializing"}})
            status = {"phase": "Pending", "initContainerStatuses": [copied, waits], "containerStatuses": [agent]}
            SimulatedNode(cluster).set_pod_status(NAMESPACE, job["metadata"]["name"], status)


def needs_vanish(bench: Bench, transport: Transport) -> None:
    """Delete the run's task files and workspace."""
    cluster = Cluster(transport)
    with suppress(NotFound):
        status = cluster.get(bench.runs, NAMESPACE, bench.name).get("status") or {}
        for kind, name in ((CONFIG_MAP, status.get("configMapName")), (VOLUME_CLAIM, status.get("workspaceName"))):
            if name:
                found = cluster.get(kind, NAMESPACE, name)
                cluster.delete(kind, NAMESPACE, name, found["metadata"]["uid"])


def others_edit_run(bench: Bench, transport: Transport) -> None:
    """Apply the labels of another, finished run to the run, as a tool does that copies its manifest."""
    labels = {**LABELS_OF_OTHERS, api_group.FINISHED: "uid-of-another-run", api_group.label("attempt"): "7"}
    metadata = {"labels": labels, "annotations": LABELS_OF_OTHERS}
    with suppress(NotFound):
        Cluster(transport).patch(bench.runs, NAMESPACE, bench.name, {"metadata": metadata})


LABELS_OF_OTHERS = {"app.kubernetes.io/managed-by": "Helm", "team": "a"}

CLUSTER: list[Operation] = [
    suspends,
    has_no_room,
    agent_ends_beside_sidecar,
    agent_fails_beside_sidecar,
    init_container_waits,
    needs_vanish,
    others_edit_run,
]


def _live_jobs(cluster: Cluster) -> list[Object]:
    """Return the Jobs of runs that may have a pod."""
    jobs = (job for job in cluster.list(JOB, NAMESPACE) if job["metadata"].get("ownerReferences"))
    return [job for job in jobs if is_live(job) and not job["spec"].get("suspend")]


def _pods(cluster: Cluster) -> list[tuple[str, Object]]:
    """Return the pods of the live Jobs, each with the name of its Job."""
    names = [job["metadata"]["name"] for job in _live_jobs(cluster)]
    return [(name, pod) for name in names for pod in cluster.list(POD, NAMESPACE, f"job-name={name}")]
