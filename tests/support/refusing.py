"""A transport to a cluster that does not do some of what it is asked: a quota is used up, or a process dies there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from functions.cluster.errors import ClusterError, Forbidden
from functions.cluster.transport import Request, Transport

QUOTA = "exceeded quota: jobs, requested: count/jobs.batch=1, used: 5, limited: 5"


@dataclass
class RefusingTransport:
    """Answers with `error` where one of these is created, while it is `on`.

    A quota counts a Job that only takes its name as any other.
    """

    inner: Transport
    plural: str = "jobs"
    error: Callable[[], ClusterError] = lambda: Forbidden(QUOTA)
    on: bool = True

    def send(self, request: Request) -> Any:
        if self.on and request.method == "POST" and request.path.endswith(f"/{self.plural}"):
            raise self.error()
        return self.inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)
