"""Clusters for the console that refuse requests, do not answer, or have many more runs."""

from collections.abc import Callable, Iterator
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError, Forbidden, Unavailable
from functions.cluster.transport import Request, Transport
from tests.support.builders import raw_run


class Between:
    """A transport that raises the error of a request, or adds runs to a list."""

    def __init__(self, inner: Transport, *, error: Callable[[Request], ClusterError | None], more: int = 0) -> None:
        self._inner, self.error = inner, error
        self._crowd = [_one_of_many(number) for number in range(more)]

    def send(self, request: Request) -> Any:
        self._raise(request)
        answer = self._inner.send(request)
        if request.method == "GET" and request.path.endswith("/coderuns"):
            answer["items"] += self._crowd
        return answer

    def stream(self, request: Request) -> Iterator[Any]:
        self._raise(request)
        return self._inner.stream(request)

    def _raise(self, request: Request) -> None:
        error = self.error(request)
        if error:
            raise error


def transport(cluster: Cluster) -> Transport:
    return cluster._transport


def without_rights(cluster: Cluster, *resources: str, method: str = "") -> Cluster:
    """Return a cluster that forbids everything, or only these resources, or this method."""

    def refuse(request: Request) -> ClusterError | None:
        path = request.path.split("/namespaces/")[-1]
        if method not in ("", request.method) or (resources and not any(each in path for each in resources)):
            return None
        return Forbidden(f'User "jane" cannot {request.method.lower()} {path}')

    return Cluster(Between(transport(cluster), error=refuse))


def gone(cluster: Cluster) -> Cluster:
    """Return a cluster that does not answer."""
    return Cluster(Between(transport(cluster), error=lambda _: Unavailable("connection refused")))


def crowded(cluster: Cluster, more: int) -> Cluster:
    """Return a cluster with `more` additional code runs in each list."""
    return Cluster(Between(transport(cluster), error=lambda _: None, more=more))


PHASES = (("Succeeded", "Completed"), ("Failed", "OutOfMemory"), ("Queued", "Queued"), ("Running", "Running"))


def _one_of_many(number: int) -> dict[str, Any]:
    phase, reason = PHASES[number % len(PHASES)]
    truth = {"Succeeded": "True", "Failed": "False"}.get(phase, "Unknown")
    condition = {"type": "Succeeded", "status": truth, "reason": reason, "message": "waits for a slot"}
    condition["lastTransitionTime"] = "2026-01-02T03:04:05Z"
    status = {"phase": phase, "conditions": [condition], "message": f"message {number}", "usage": {"costUsd": 0.01}}
    return raw_run(
        spec={"taskId": number + 1, "service": f"service-{number % 7}"},
        status=status,
        name=f"run-{number}",
        uid=f"00000000-0000-4000-8000-{number:012}",
    )
