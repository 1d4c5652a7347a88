"""Options of the `log` subresource of pods; the logs themselves are provided by the Job runner (pod_logs.py).

Wordings: k8s.io/kubernetes/pkg/apis/core/validation, ValidatePodLogOptions; for `previous` those of the kubelet.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from starlette.datastructures import QueryParams

from functions.cluster.containers import default_container
from functions.local.apiserver.errors import Cause, Obj, bad_request, forbidden_field, invalid, invalid_object
from functions.local.apiserver.requests import flag, number
from functions.local.pod_logs import Portion


@dataclass(frozen=True, slots=True)
class LogOptions:
    """The part of a log that a client requests; `limit` is in bytes."""

    portion: Portion
    limit: int | None
    previous: bool
    container: str

    @classmethod
    def parse(cls, query: QueryParams, pod: str, now: datetime) -> Self:
        """Return the options in a query; raise StatusError 400 or 422."""
        tail, limit, seconds = (number(query, name) for name in ("tailLines", "limitBytes", "sinceSeconds"))
        since = _parse_time(query.get("sinceTime", ""))
        causes = _problems(tail, limit, seconds)
        if since and seconds is not None:
            both = "at most one of `sinceTime` or `sinceSeconds` may be specified"
            causes.append(forbidden_field("[]", both))  # the path that the real server reports
        if causes:
            raise invalid_object("PodLogOptions", "", pod, causes)
        if seconds is not None:
            since = now - timedelta(seconds=seconds)
        follow, timestamps = flag(query, "follow"), flag(query, "timestamps")
        portion = Portion(tail_lines=tail, since=since, timestamps=timestamps, follow=follow)
        return cls(portion, limit, previous=flag(query, "previous"), container=query.get("container", ""))

    def of(self, pod: Obj) -> Portion:
        """Return the portion of that pod's log.

        Raises StatusError 400 if the pod has no such container, if it has several and none is named, and for
        `previous`: containers never restart.
        """
        spec, name = pod["spec"], pod["metadata"]["name"]
        plain = [container["name"] for container in spec["containers"]]
        initial = [container["name"] for container in spec.get("initContainers") or ()]
        if not self.container and len(plain) > 1:
            choice = " ".join((*initial, *plain))
            raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{choice}]")
        container = self.container or plain[0]
        if container not in (*plain, *initial):
            raise bad_request(f"container {container} is not valid for pod {name}")
        if self.previous:
            raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
        return replace(self.portion, container="" if container == default_container(pod) else container)


def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        raise bad_request(f'parsing time "{text}": it is not RFC 3339') from None


def _problems(tail: int | None, limit: int | None, seconds: int | None) -> list[Cause]:
    causes = []
    if tail is not None and tail < 0:
        causes.append(invalid("tailLines", tail, "must be greater than or equal to 0"))
    if limit is not None and limit < 1:
        causes.append(invalid("limitBytes", limit, "must be greater than 0"))
    if seconds is not None and seconds < 1:
        causes.append(invalid("sinceSeconds", seconds, "must be greater than 0"))
    return causes


async def cut_off(pieces: AsyncIterator[bytes], limit: int | None) -> AsyncIterator[bytes]:
    """Yield the pieces up to `limit` bytes; None is no limit."""
    remaining = limit
    async for piece in pieces:
        yield piece if remaining is None else piece[:remaining]
        remaining = None if remaining is None else remaining - len(piece)
        if remaining is not None and remaining <= 0:
            return
