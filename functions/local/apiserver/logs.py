"""The log of a pod is not kept here: whoever runs pods provides it. What may be asked of it is the real server's.

Wordings: k8s.io/kubernetes/pkg/apis/core/validation, ValidatePodLogOptions; for `previous` the kubelet's.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from starlette.datastructures import QueryParams

from functions.local.apiserver.errors import Cause, Obj, bad_request, forbidden_field, invalid, invalid_object
from functions.local.apiserver.requests import flag, number
from functions.local.pod_logs import Portion


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What a client wants of a log; `limit` in bytes."""

    portion: Portion
    limit: int | None
    previous: bool
    container: str

    @classmethod
    def parse(cls, query: QueryParams, pod: str, now: datetime) -> Self:
        """Raises StatusError 400 or 422."""
        tail, limit, seconds = (number(query, name) for name in ("tailLines", "limitBytes", "sinceSeconds"))
        since = _moment(query.get("sinceTime", ""))
        found = [*_problems(tail, limit, seconds)]
        if since and seconds is not None:
            both = "at most one of `sinceTime` or `sinceSeconds` may be specified"
            found.append(forbidden_field("[]", both))  # the place, as the real server names it
        if found:
            raise invalid_object("PodLogOptions", "", pod, found)
        if seconds is not None:
            since = now - timedelta(seconds=seconds)
        wants = {name: flag(query, name) for name in ("follow", "timestamps")}
        portion = Portion(tail_lines=tail, since=since, **wants)
        return cls(portion, limit, previous=flag(query, "previous"), container=query.get("container", ""))

    def check(self, pod: Obj) -> None:
        """Raises StatusError 400 for a container that the pod does not have; none is ever started a second time."""
        containers = [container["name"] for container in pod["spec"]["containers"]]
        name, container = pod["metadata"]["name"], self.container or containers[0]
        if container not in containers:
            raise bad_request(f"container {container} is not valid for pod {name}")
        if self.previous:
            raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        raise bad_request(f'parsing time "{text}": it is not RFC 3339') from None


def _problems(tail: int | None, limit: int | None, seconds: int | None) -> list[Cause]:
    found = []
    if tail is not None and tail < 0:
        found.append(invalid("tailLines", tail, "must be greater than or equal to 0"))
    if limit is not None and limit < 1:
        found.append(invalid("limitBytes", limit, "must be greater than 0"))
    if seconds is not None and seconds < 1:
        found.append(invalid("sinceSeconds", seconds, "must be greater than 0"))
    return found


async def cut_off(pieces: AsyncIterator[bytes], limit: int | None) -> AsyncIterator[bytes]:
    """The pieces up to so many bytes."""
    left = limit
    async for piece in pieces:
        yield piece if left is None else piece[:left]
        left = None if left is None else left - len(piece)
        if left is not None and left <= 0:
            return
