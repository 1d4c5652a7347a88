"""CASES K4, K5, K7, K8, K14 and K16 to K18 with real Job controller, quota and admission; the kubelet is simulated.

K6 (suspension by Kueue) needs Jobs that can be suspended: a control plane of Kubernetes 1.24 or later.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.cluster.errors import ClusterError, KindNotServed, NotFound
from functions.cluster.kinds import CODE_RUN, JOB, POD, VOLUME_CLAIM, Kind
from functions.cluster.transport import Request, Transport
from functions.handlers import job_finished, reconcile
from functions.runs.model.run import Run
from tests.cluster.driving import deliver, node, started, swept
from tests.support.api import Harness
from tests.support.node import has_ended
from tests.support.run_steps import DONE, LOST, event, job_name, now, reason
from tests.world.clusters.pods import RUNNING, SCHEDULED, ended, named, pending

QUOTA = Kind("v1", "ResourceQuota", "resourcequotas")


def job_ended(world: Harness, run: Run) -> None:
    """Deliver the Job once the Job controller has ended it."""
    deliver(world, job_finished, event(node(world).job_when(world.namespace, job_name(world, run), has_ended)))


def cancel(world: Harness, run: Run) -> None:
    patched = world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": {"cancel": True}})
    deliver(world, reconcile, event(patched))


def test_missing_image_of_an_init_container_is_shown_and_ends_in_time(real: Harness) -> None:
    run = started(real)
    waits = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image: istio:9"}}
    node(real).set_pod_status(real.namespace, job_name(real, run), pending(named("istio-init", waits)))
    swept(real)
    assert reason(now(real, run)) == "ImagePullFailed"
    assert now(real, run).status.message == "init container istio-init: no such image: istio:9"
    real.later(minutes=16)
    swept(real)
    job_ended(real, run)
    assert (now(real, run).status.phase, reason(now(real, run))) == ("Failed", "ImagePullFailed")


def test_failed_init_container_is_retried_after_a_pause(real: Harness) -> None:
    run = started(real)
    failed = pending(named("init", ended(255, "no route")), phase="Failed")
    node(real).set_pod_status(real.namespace, job_name(real, run), failed)
    job_ended(real, run)
    found = now(real, run)
    assert (found.status.phase, reason(found), found.status.attempt) == ("Pending", "InitContainerFailed", 1)
    assert "init container init ended with exit code 255: no route" in (found.status.message or "")
    real.later(minutes=1)
    swept(real)
    assert (now(real, run).status.attempt, now(real, run).status.retry_count) == (2, None)


def test_cancelled_run_ends_when_its_pod_on_a_dead_node_is_gone(real: Harness, admin: Transport) -> None:
    real.now = datetime.now(UTC)  # the API server's clock says when the pod is due to be gone
    run = started(real)
    pod = node(real).pod(real.namespace, job_name(real, run))
    bind(admin, pod, "dead-node")
    alive = {"phase": "Running", "conditions": [SCHEDULED], "containerStatuses": [named("agent", RUNNING)]}
    node(real).set_pod_status(real.namespace, job_name(real, run), alive)
    swept(real)
    cancel(real, run)
    job_ended(real, run)
    assert now(real, run).status.phase == "Running", "the pod may still run"
    real.later(minutes=5)
    swept(real)
    assert "has not confirmed it" in (now(real, run).status.message or "")
    assert "dead-node" in (now(real, run).status.message or "")
    delete_by_force(admin, pod)
    swept(real)
    found = now(real, run)
    assert (found.status.phase, found.status.attempts[-1].reason) == ("Cancelled", "Cancelled")


def test_finished_attempt_ends_while_its_broker_container_runs(real: Harness) -> None:
    """`job.broker: container`, for clusters without native sidecars such as this one: the Job is stopped at once."""
    real.configure(job=real.services.settings.job.model_copy(update={"broker": "container"}))
    run = started(real)
    job = job_name(real, run)
    spec = node(real).pod(real.namespace, job)["spec"]
    assert [each["name"] for each in spec["containers"]] == ["agent", "broker"]
    both = [named("agent", ended(0, DONE)), named("broker", RUNNING)]
    node(real).set_pod_status(
        real.namespace, job, {"phase": "Running", "conditions": [SCHEDULED], "containerStatuses": both}
    )
    swept(real)
    found = now(real, run)
    assert (found.status.phase, reason(found)) == ("Succeeded", "Completed")
    node(real).job_when(real.namespace, job, has_ended)


def test_failed_agent_is_retried_while_its_sidecar_terminates(real: Harness, admin: Transport) -> None:
    """The end of the first pod, whose agent has ended, does not change the run; each attempt has one pod."""
    run = started(real)
    first = job_name(real, run)
    pod = node(real).pod(real.namespace, first)
    bind(admin, pod, "slow-node")
    both = [named("agent", ended(1, LOST)), named("istio-proxy", RUNNING)]
    node(real).set_pod_status(
        real.namespace, first, {"phase": "Running", "conditions": [SCHEDULED], "containerStatuses": both}
    )
    swept(real)
    assert now(real, run).status.phase == "Retrying"
    failed = node(real).job_when(real.namespace, first, has_ended)
    real.later(minutes=1)
    swept(real)
    second = job_name(real, run)
    real.job_ready(second)
    swept(real)
    held = real.kubelet.get(POD, real.namespace, pod["metadata"]["name"])
    assert "deletionTimestamp" in held["metadata"]
    working = now(real, run)
    deliver(real, job_finished, event(failed))
    delete_by_force(admin, pod)
    deliver(real, job_finished, event(failed))
    swept(real)
    assert now(real, run).resource_version == working.resource_version
    assert (working.status.phase, working.status.attempt, second != first) == ("Running", 2, True)
    assert [attempt.reason for attempt in working.status.attempts] == ["NetworkError", None]
    assert len(list(real.kubelet.list(JOB, real.namespace, f"agents.platform/run={run.name}"))) == 2
    assert [each["metadata"]["labels"]["job-name"] for each in pods_of(real, run)] == [second]


def test_cancelled_run_whose_job_left_its_pod_behind_names_the_pod(real: Harness, admin: Transport) -> None:
    """`kubectl delete job --cascade=orphan`: no Job stops the pod, and the functions may not delete pods."""
    run = started(real)
    job = job_name(real, run)
    real.job_ready(job)
    swept(real)
    pod, raw = node(real).pod(real.namespace, job), real.kubelet.get(JOB, real.namespace, job)
    orphans = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan"}
    admin.send(Request("DELETE", JOB.path(real.namespace, job), {}, orphans))
    node(real).wait_until_deleted(real.namespace, job)
    deliver(real, job_finished, event(raw, "delete"))
    cancel(real, run)
    swept(real)
    found = now(real, run)
    assert found.status.phase == "Running"
    assert f"delete pod {pod['metadata']['name']}" in (found.status.message or "")
    delete_by_force(admin, pod)
    swept(real)
    assert now(real, run).status.phase == "Cancelled"


def pods_of(world: Harness, run: Run) -> list[dict[str, Any]]:
    return list(world.kubelet.list(POD, world.namespace, f"agents.platform/run={run.name}"))


def bind(admin: Transport, pod: dict[str, Any], to: str) -> None:
    """Bind the pod to a node; from then on only that node's kubelet confirms the deletion."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    target = {"apiVersion": "v1", "kind": "Node", "name": to}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
    admin.send(Request("POST", POD.path(namespace, name, "binding"), {}, binding))


def delete_by_force(admin: Transport, pod: dict[str, Any]) -> None:
    path = POD.path(pod["metadata"]["namespace"], pod["metadata"]["name"])
    admin.send(Request("DELETE", path, {"gracePeriodSeconds": "0"}))


@pytest.fixture
def no_jobs(real: Harness) -> Iterator[Harness]:
    """Return a namespace with a quota of zero Jobs; the test itself updates the used amounts."""
    hard = {"count/jobs.batch": "0"}
    metadata = {"name": "no-jobs", "namespace": real.namespace}
    item = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}
    made = real.kubelet.create(QUOTA, item)
    counted(real, "0")
    yield real
    real.kubelet.delete(QUOTA, real.namespace, "no-jobs", made["metadata"]["uid"])


def counted(world: Harness, hard: str) -> None:
    status = {"hard": {"count/jobs.batch": hard}, "used": {"count/jobs.batch": "0"}}
    world.kubelet.patch(QUOTA, world.namespace, "no-jobs", {"status": status}, "status")


def test_run_waits_for_a_quota_of_jobs_and_starts_when_there_is_room(no_jobs: Harness) -> None:
    world = no_jobs
    run = started(world)
    for _ in range(20):
        world.later(minutes=1)
        swept(world)
    found = now(world, run)
    assert (found.status.phase, reason(found), found.status.retry_count) == ("Queued", "Queued", None)
    assert "exceeded quota: no-jobs" in (found.status.message or "")
    counted(world, "1")
    world.later(minutes=1)
    swept(world)
    world.job_ready(job_name(world, run))
    swept(world)
    assert now(world, run).status.phase == "Running"


def test_workspace_deleted_before_the_pod_starts_is_created_again_by_the_functions(real: Harness) -> None:
    """The API server's own finalizer keeps a claim in use until its controller removes the finalizer."""
    run = started(real)
    name = run.status.workspace_name or ""
    claim = real.kubelet.get(VOLUME_CLAIM, real.namespace, name)["metadata"]
    real.kubelet.delete(VOLUME_CLAIM, real.namespace, name, claim["uid"])
    held = real.kubelet.get(VOLUME_CLAIM, real.namespace, name)["metadata"]
    assert (held["uid"], "deletionTimestamp" in held) == (claim["uid"], True)
    unscheduled(real, run, f'persistentvolumeclaim "{name}" is being deleted')
    assert (reason(now(real, run)), now(real, run).status.phase) == ("Unschedulable", "Pending")
    real.kubelet.patch(VOLUME_CLAIM, real.namespace, name, {"metadata": {"finalizers": None}})
    unscheduled(real, run, f'persistentvolumeclaim "{name}" not found')
    again = real.kubelet.get(VOLUME_CLAIM, real.namespace, name)["metadata"]
    assert again["uid"] != claim["uid"]
    real.job_ready(job_name(real, run))
    swept(real)
    assert now(real, run).status.phase == "Running"


def unscheduled(world: Harness, run: Run, words: str) -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}
    status = {"phase": "Pending", "conditions": [condition]}
    node(world).set_pod_status(world.namespace, job_name(world, run), status)
    world.later(minutes=1)
    swept(world)
    world.later(minutes=1)
    swept(world)


def test_record_says_that_the_job_completed_when_its_pod_was_collected(real: Harness, admin: Transport) -> None:
    run = started(real)
    job = job_name(real, run)
    real.job_ready(job)
    swept(real)
    done = real.job_ends(job, DONE)
    delete_by_force(admin, node(real).pod(real.namespace, job))
    deliver(real, job_finished, event(done))
    attempt = now(real, run).status.attempts[-1]
    words = "its Job completed, but the pod is gone and left no report"
    assert (attempt.reason, attempt.message) == ("ReportLost", words)


def test_cancelled_attempt_is_recorded_as_cancelled(real: Harness) -> None:
    run = started(real)
    real.job_ready(job_name(real, run))
    swept(real)
    cancel(real, run)
    stopped = node(real).job_when(real.namespace, job_name(real, run), has_ended)
    assert "DeadlineExceeded" in str(stopped["status"]["conditions"]), "a Job is stopped by its deadline"
    deliver(real, job_finished, event(stopped))
    found = now(real, run)
    assert (found.status.phase, found.status.attempts[-1].reason) == ("Cancelled", "Cancelled")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (CODE_RUN, NotFound),
        (Kind("agents.platform/v9", "CodeRun", "coderuns"), KindNotServed),
        (Kind("nowhere.example/v1", "Thing", "things"), KindNotServed),
    ],
    ids=["no such run", "no such version", "no such group"],
)
def test_unserved_api_version_is_distinguished_from_a_missing_run(
    real: Harness, kind: Kind, error: type[ClusterError]
) -> None:
    with pytest.raises(ClusterError) as caught:
        real.kubelet.get(kind, real.namespace, "nobody")
    assert type(caught.value) is error
