"""Mutants: handlers with one deliberate defect, each of which the checker must report.

A mutant is a transport between the handlers and the API server that changes a correct call into a wrong one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from functions.cluster.transport import Request
from functions.runs import api_group
from tests.support.forwarding import ForwardingTransport


@dataclass
class Mutant(ForwardingTransport):
    """A transport that passes each call on unchanged: no defect."""


def _makes_job(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/jobs")


def _writes_status(request: Request) -> bool:
    return request.method == "PUT" and request.path.endswith("/status")


def _is_open(attempts: Sequence[Mapping[str, Any]] | None) -> bool:
    return any("finishedAt" not in attempt for attempt in attempts or ())


def _stops_job(request: Request) -> bool:
    return request.method == "PATCH" and "/jobs/" in request.path


@dataclass
class StatusLast(Mutant):
    """The Job is created before the status that names it is written."""

    held: Request | None = None

    def send(self, request: Request) -> Any:
        if _writes_status(request) and _is_open(request.body["status"].get("attempts")):
            self.held = request
            return request.body
        answer = self.inner.send(request)
        if _makes_job(request) and self.held:
            self.inner.send(self.held)
        return answer


@dataclass
class JobNamedByTheClock(Mutant):
    """The Job's name contains the time, so that a repeated step creates another Job.

    The last resourceVersion read stands for the time.
    """

    clock: str = ""

    def send(self, request: Request) -> Any:
        if _makes_job(request):
            metadata = request.body["metadata"]
            named = {**metadata, "name": f"{metadata['name']}-{self.clock}"}
            request = replace(request, body={**request.body, "metadata": named})
        answer = self.inner.send(request)
        self.clock = answer.get("metadata", {}).get("resourceVersion", self.clock)
        return answer


@dataclass
class OwnerNotChecked(Mutant):
    """A Job with the attempt's name is taken for the run's own, whoever owns it."""

    run: Mapping[str, Any] | None = None

    def send(self, request: Request) -> Any:
        answer = self.inner.send(request)
        if "/coderuns" in request.path or "/docsruns" in request.path:
            self.run = next(iter(answer.get("items", [answer])), self.run)
        if self.run and request.method == "GET" and "/jobs/" in request.path:
            owner = {"apiVersion": api_group.API_VERSION, "uid": self.run["metadata"]["uid"], "controller": True}
            answer["metadata"]["ownerReferences"] = [owner]
        return answer


class StatusByForce(Mutant):
    """The status is written even if the run has changed since it was read."""

    def send(self, request: Request) -> Any:
        if _writes_status(request):
            present = self.inner.send(Request("GET", request.path.removesuffix("/status"), {}))
            metadata = {**request.body["metadata"], "resourceVersion": present["metadata"]["resourceVersion"]}
            request = replace(request, body={**request.body, "metadata": metadata})
        return self.inner.send(request)


class UnknownFieldsDropped(Mutant):
    """The status is written without fields that this revision does not know."""

    def send(self, request: Request) -> Any:
        if _writes_status(request):
            known = {field: value for field, value in request.body["status"].items() if field != FUTURE}
            request = replace(request, body={**request.body, "status": known})
        return self.inner.send(request)


FUTURE = "future"
"""A status field that only the next revision knows."""


class JobDeletedToStopIt(Mutant):
    """An attempt is stopped by deleting its Job, which frees the Job's name."""

    options: Mapping[str, Any] = {"propagationPolicy": "Background"}

    def send(self, request: Request) -> Any:
        if not _stops_job(request):
            return self.inner.send(request)
        present = self.inner.send(Request("GET", request.path, {}))
        body = {"kind": "DeleteOptions", "apiVersion": "v1", **self.options}
        self.inner.send(Request("DELETE", request.path, {}, body))
        return present


class JobDeletedWithoutPropagation(JobDeletedToStopIt):
    """An attempt is stopped by deleting its Job without its pods, which continue to run."""

    options: Mapping[str, Any] = {}


@dataclass
class NameNotTaken(Mutant):
    """An attempt whose Job is missing is ended without creating a fence first."""

    fence: Any = None

    def send(self, request: Request) -> Any:
        if _makes_job(request) and request.body["spec"]["parallelism"] == 0:
            self.fence = request.body
            return self.fence
        if self.fence and request.path.endswith(f"/jobs/{self.fence['metadata']['name']}"):
            return self.fence
        return self.inner.send(request)


class PodsNotAwaited(Mutant):
    """The end of a Job is taken for the end of its pods, so that a retry starts before they ended."""

    def send(self, request: Request) -> Any:
        answer = self.inner.send(request)
        if request.method == "GET" and request.path.endswith("/pods"):
            for pod in answer["items"]:
                pod["status"] = {**pod["status"], "phase": "Failed"}
        return answer


class EventsNotPublished(Mutant):
    """Lifecycle events are recorded as published, but never reach the queue."""

    def send(self, request: Request) -> Any:
        return {} if request.path.startswith("/topics/") else self.inner.send(request)


class ContainersByPosition(Mutant):
    """The first container of a pod, which may be an injected sidecar, is taken for the agent's."""

    def send(self, request: Request) -> Any:
        return _with_agent_state(request, self.inner.send(request), "containerStatuses")


class InitContainersCount(Mutant):
    """The end of an init container is taken for the agent's."""

    def send(self, request: Request) -> Any:
        return _with_agent_state(request, self.inner.send(request), "initContainerStatuses")


def _with_agent_state(request: Request, answer: Any, field: str) -> Any:
    """Replace the agent's container state in a list of pods by that of the first container in `field`."""
    if request.method == "GET" and request.path.endswith("/pods"):
        for pod in answer["items"]:
            for first in (pod["status"].get(field) or ())[:1]:
                pod["status"]["containerStatuses"] = [{**first, "name": "agent"}]
    return answer


@dataclass
class EvictedJobMayResume(Mutant):
    """An attempt whose Job is suspended is ended, but the Job can still be resumed."""

    prevented: Any = None

    def send(self, request: Request) -> Any:
        if _stops_job(request) and request.body["spec"].get("parallelism") == 0:
            present = self.inner.send(Request("GET", request.path, {}))
            self.prevented = {**present, "spec": {**present["spec"], "parallelism": 0}}
            return self.prevented
        if self.prevented and request.path.endswith(f"/jobs/{self.prevented['metadata']['name']}"):
            return self.prevented
        return self.inner.send(request)


class EventsNotRead(Mutant):
    """Events of a pod are not read, such as that its task files do not exist."""

    def send(self, request: Request) -> Any:
        answer = self.inner.send(request)
        return {**answer, "items": []} if request.method == "GET" and request.path.endswith("/events") else answer


class QuotaTakenForRefusal(Mutant):
    """A used-up quota counts as a refusal that people have to fix within the pending wait."""

    def send(self, request: Request) -> Any:
        answer = self.inner.send(request)
        for item in answer.get("items", [answer]) if request.method == "GET" else ():
            if "exceeded quota" in item.get("message", ""):
                item["message"] = "the cluster refuses its pod"
            status = item.get("status") or {}
            if status.get("phase") == "Queued" and "exceeded quota" in status["message"]:
                reasons = [{**each, "reason": "PodRefused"} for each in status["conditions"]]
                item["status"] = {**status, "conditions": reasons, "pendingSince": status["lastUpdate"]}
        return answer


class LabelsOfOthersOverwritten(Mutant):
    """A well-known label that another tool owns is overwritten."""

    def send(self, request: Request) -> Any:
        if request.method == "PATCH" and "labels" in request.body.get("metadata", {}):
            labels = {**request.body["metadata"]["labels"], "app.kubernetes.io/managed-by": "orchestrator"}
            metadata = {**request.body["metadata"], "labels": labels}
            request = replace(request, body={**request.body, "metadata": metadata})
        return self.inner.send(request)
