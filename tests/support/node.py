"""Simulated kubelets, which write the pod statuses that a test needs.

`SimulatedNode` is kubelet and Job controller, for the embedded API server; `SimulatedKubelet` needs a real Job
controller.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from functions.cluster.client import Cluster
from functions.cluster.errors import AlreadyExists
from functions.cluster.kinds import JOB, POD
from functions.cluster.transport import Request
from tests.support.forwarding import ForwardingTransport
from tests.support.waiting import until

Object = dict[str, Any]
PATIENCE = 90.0
"""Timeout in seconds for a real controller."""


class Node(Protocol):
    """Runs the pod of a Job; both methods return the Job afterwards."""

    cluster: Cluster

    def start_pod(self, namespace: str, job: str) -> Object:
        """Start the Job's pod."""
        ...

    def end_pod(self, namespace: str, job: str, pod: Object, state: Object | None) -> Object:
        """End the Job's pod: `pod` is merged into its status, `state` is the state of its container."""
        ...


def container(state: Object, name: str = "agent") -> Object:
    """Return the status of a container in that state."""
    return {"name": name, "image": "x", "imageID": "", "ready": False, "restartCount": 0, "state": state}


def agent_state(pod: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the state of the agent's container; empty if the pod has no status yet."""
    containers = ((pod or {}).get("status") or {}).get("containerStatuses") or ()
    return next((each["state"] for each in containers if each["name"] == "agent"), {})


def warning(namespace: str, kind: str, name: str, reason: str, message: str) -> Object:
    """Return a warning Event of an object, as a controller posts it."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{reason.lower()}", "namespace": namespace},
        "involvedObject": {"kind": kind, "name": name, "namespace": namespace},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": "2026-01-02T03:04:05Z",
    }


@dataclass
class SimulatedNode:
    """A simulated kubelet and Job controller."""

    cluster: Cluster

    def start_pod(self, namespace: str, job: str) -> Object:
        status = {"phase": "Running", "containerStatuses": [container({"running": {}})]}
        return self.set_pod_status(namespace, job, status, ready=1)

    def set_pod_status(self, namespace: str, job: str, status: Object, *, ready: int = 0) -> Object:
        """Set the status of the Job's pod, create it if needed, and count it in the Job as active and `ready`."""
        with suppress(AlreadyExists):  # the caller repeats a call without an answer
            self.cluster.create(POD, _pod(self.cluster.get(JOB, namespace, job)))
        self.cluster.patch(POD, namespace, f"{job}-pod", {"status": status}, "status")
        return self.cluster.patch(JOB, namespace, job, {"status": {"active": 1, "ready": ready}}, "status")

    def end_pod(self, namespace: str, job: str, pod: Object, state: Object | None) -> Object:
        status = pod | ({"containerStatuses": [container(state)]} if state else {})
        self.cluster.patch(POD, namespace, f"{job}-pod", {"status": status}, "status")
        well = pod["phase"] == "Succeeded"
        condition = {"type": "Complete" if well else "Failed", "status": "True"}
        condition["reason"] = "" if well else "BackoffLimitExceeded"
        ended = {"active": 0, "ready": 0, "conditions": [condition]}
        return self.cluster.patch(JOB, namespace, job, {"status": ended}, "status")


def _pod(job: Object) -> Object:
    """Return the pod that the Job controller creates for a Job."""
    name, template = job["metadata"]["name"], job["spec"]["template"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"], "controller": True}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-pod",
            "namespace": job["metadata"]["namespace"],
            "labels": {**template.get("metadata", {}).get("labels", {}), "job-name": name},
            "ownerReferences": [owner],
        },
        "spec": {"restartPolicy": "Never", "containers": [{"name": "agent", "image": "x"}]},
    }


@dataclass
class SimulatedKubelet:
    """A simulated kubelet beside a real Job controller."""

    cluster: Cluster

    def start_pod(self, namespace: str, job: str) -> Object:
        self.set_pod_status(namespace, job, {"phase": "Running", "containerStatuses": [container({"running": {}})]})
        return self.cluster.get(JOB, namespace, job)

    def end_pod(self, namespace: str, job: str, pod: Object, state: Object | None) -> Object:
        self.set_pod_status(namespace, job, pod | ({"containerStatuses": [container(state)]} if state else {}))
        return self.job_when(namespace, job, has_ended)

    def set_pod_status(self, namespace: str, job: str, status: Object) -> Object:
        """Merge `status` into that of the Job's pod and return the pod."""
        pod = self.pod(namespace, job)
        return self.cluster.patch(POD, namespace, pod["metadata"]["name"], {"status": status}, "status")

    def pod(self, namespace: str, job: str) -> Object:
        """Wait for the pod that the Job controller creates and return it."""
        return self.other_pod(namespace, job, "")

    def other_pod(self, namespace: str, job: str, uid: str) -> Object:
        """Wait for the pod that replaces the deleted one with that uid and return it."""

        def look() -> Object | None:
            pods = list(self.cluster.list(POD, namespace, f"job-name={job}"))
            return pods[0] if len(pods) == 1 and pods[0]["metadata"]["uid"] != uid else None

        return until(look, PATIENCE, f"no pod of {job}", every=0.05)

    def wait_until_deleted(self, namespace: str, job: str) -> None:
        """Wait until there is no such Job."""

        def is_gone() -> bool:
            return all(each["metadata"]["name"] != job for each in self.cluster.list(JOB, namespace))

        until(is_gone, PATIENCE, f"Job {job} still exists")

    def job_when(self, namespace: str, job: str, is_so: Callable[[Object], bool]) -> Object:
        """Wait until `is_so` holds for the Job and return the Job."""

        def look() -> Object | None:
            found = self.cluster.get(JOB, namespace, job)
            return found if is_so(found) else None

        return until(look, PATIENCE, f"Job {job} did not get there", every=0.05)


def has_ended(job: Object) -> bool:
    """Return whether the Job is complete or failed."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(each["type"] in ("Complete", "Failed") and each["status"] == "True" for each in conditions)


@dataclass
class Unscheduled(ForwardingTransport):
    """A transport that assigns the pods of Jobs to a scheduler that does not exist.

    On a cluster with real nodes these pods are never started, so that a test can write their status.
    """

    def send(self, request: Request) -> Any:
        if request.method == "POST" and request.path.endswith("/jobs"):
            template = request.body["spec"]["template"]
            spec = {**request.body["spec"], "template": {**template, "spec": {**template["spec"], **NOBODY}}}
            request = replace(request, body={**request.body, "spec": spec})
        return self.inner.send(request)


NOBODY = {"schedulerName": "nobody"}
