"""A transport that rejects one verb on one kind of object, as a policy, a quota, RBAC or an outage does."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from functions.cluster.errors import ClusterError, Forbidden
from functions.cluster.transport import Request
from tests.support.forwarding import ForwardingTransport

POLICY = 'admission webhook "jobs.example" denied the request: no Jobs here'
"""Message of a policy, which lasts until a person changes it; an exhausted quota has room again by itself."""

QUOTA = "exceeded quota: jobs, requested: count/jobs.batch=1, used: 5, limited: 5"


@dataclass
class RefusingTransport(ForwardingTransport):
    """Raises `error` for each request with `method` for objects of that kind, not for their status, while it is `on`.

    A fence is rejected like any other Job, as by a policy or a quota.
    """

    plural: str = "jobs"
    error: Callable[[], ClusterError] = lambda: Forbidden(POLICY)
    on: bool = True
    method: str = "POST"

    def send(self, request: Request) -> Any:
        if self.on and request.method == self.method and re.search(rf"/{self.plural}(/[^/]+)?$", request.path):
            raise self.error()
        return self.inner.send(request)
