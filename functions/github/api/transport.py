"""How a request reaches GitHub. Everything above speaks to the `Transport` protocol, so that a test can count calls,
refuse them, or stop the world between two of them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import urllib3

from functions.github.api.errors import Busy

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
"""GitHub ends a request after 10 s (REST API: Troubleshooting, Timeouts)."""

REDIRECTS = 3
"""A renamed repository is one, and may have been renamed more than once (Best practices: Follow redirects)."""

CONNECTIONS = 16

HEADERS = {
    "Accept": "application/vnd.github+json",
    "User-Agent": "orchestrator",
    "X-GitHub-Api-Version": "2022-11-28",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One call: `url` is whole, `body` is sent as JSON, `token` is an App's JWT or an installation's token."""

    method: str
    url: str
    token: str = field(repr=False)
    body: Any = None
    seconds: float | None = None
    """How long the caller waits for the answer at most; None: as long as there is patience for any."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Carries requests to GitHub; may be used from several threads."""

    def send(self, request: Request) -> Answer:
        """The answer, whatever its status. Raises Busy where there is none."""
        ...


class HttpTransport:
    """Connections that are kept open. Nothing is tried again here: that is decided by the handler."""

    def __init__(self, pool: urllib3.PoolManager | None = None) -> None:
        self._pool = pool or urllib3.PoolManager(maxsize=CONNECTIONS, retries=False)

    def send(self, request: Request) -> Answer:
        """The answer, whatever its status. Raises Busy where there is none.

        Redirects are followed on the same host alone: a token is not carried to another one. 301 and 302 are for
        reading only; 307 and 308 repeat any method (REST API: Best practices, Follow redirects).
        """
        url = request.url
        for _ in range(REDIRECTS):
            answer = self._once(request, url)
            following = _following(request.method, url, answer)
            if not following:
                return answer
            url = following
        return answer

    def _once(self, request: Request, url: str) -> Answer:
        headers = {**HEADERS, "Authorization": f"Bearer {request.token}"}
        body = None if request.body is None else json.dumps(request.body)
        if body is not None:
            headers["Content-Type"] = "application/json"
        patience = urllib3.Timeout(total=request.seconds, connect=CONNECT_SECONDS, read=READ_SECONDS)
        try:
            got = self._pool.request(request.method, url, body=body, headers=headers, redirect=False, timeout=patience)
        except urllib3.exceptions.HTTPError as error:
            raise Busy(f"GitHub did not answer {request.method} {urlsplit(url).path}: {error}") from error
        return Answer(got.status, {name.lower(): text for name, text in got.headers.items()}, got.data)


@dataclass(frozen=True, slots=True)
class DeadlineTransport:
    """A transport that has every answer by `end`, and none afterwards."""

    inner: Transport
    end: datetime
    clock: Callable[[], datetime]

    def send(self, request: Request) -> Answer:
        """The answer, whatever its status. Raises Busy where there is none by then."""
        left = (self.end - self.clock()).total_seconds()
        if left <= 0:
            raise Busy("there was no time left to call GitHub")
        return self.inner.send(replace(request, seconds=left))


def _following(method: str, url: str, answer: Answer) -> str:
    repeated = answer.status in (307, 308) or (answer.status in (301, 302) and method == "GET")
    try:
        found = urljoin(url, answer.headers.get("location", "")) if repeated else url
        return found if found != url and urlsplit(found)[:2] == urlsplit(url)[:2] else ""
    except ValueError:  # no address at all
        return ""
