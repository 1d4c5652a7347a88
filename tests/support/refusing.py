"""A transport to a cluster that refuses some requests: a policy or a quota forbids them, or a process dies there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from functions.cluster.errors import ClusterError, Forbidden
from functions.cluster.transport import Request, Transport

POLICY = 'admission webhook "jobs.example" denied the request: no Jobs here'
"""A person has to change it; a used-up quota frees itself."""

QUOTA = "exceeded quota: jobs, requested: count/jobs.batch=1, used: 5, limited: 5"


@dataclass
class RefusingTransport:
    """Answers with `error` where one of these is created, while it is `on`.

    A policy or a quota applies to a Job that only takes its name as to any other.
    """

    inner: Transport
    plural: str = "jobs"
    error: Callable[[], ClusterError] = lambda: Forbidden(POLICY)
    on: bool = True

    def send(self, request: Request) -> Any:
        if self.on and request.method == "POST" and request.path.endswith(f"/{self.plural}"):
            raise self.error()
        return self.inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)
