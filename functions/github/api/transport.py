"""Sends requests to GitHub. Tests replace `Transport` to count, reject or delay calls."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import urllib3

from functions.github.api.errors import Busy
from functions.settings.github import LOOPBACK

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
"""GitHub ends a request after 10 s (REST API: Troubleshooting, Timeouts)."""

MAX_REDIRECTS = 3
"""A renamed repository redirects once per renaming (Best practices: Follow redirects)."""

POOL_SIZE = 16

CHUNK = 64 * 1024
MAX_FILE_SIZE = 64 * 1024 * 1024
"""Bytes of a stored file; of a longer one the end is not read."""

HEADERS = {
    "Accept": "application/vnd.github+json",
    "User-Agent": "orchestrator",
    "X-GitHub-Api-Version": "2022-11-28",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One call: an absolute `url`, a `body` sent as JSON, and a bearer `token`."""

    method: str
    url: str
    token: str = field(repr=False)
    body: Any = None
    timeout_seconds: float | None = None
    """How long the caller waits for the answer; None: CONNECT_SECONDS and READ_SECONDS alone apply."""
    last_bytes: int | None = None
    """How much of the end of a stored file is wanted, which GitHub redirects to; None: the answer itself is wanted."""


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a call; `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""
    """The URL that answered, after redirects."""


class Transport(Protocol):
    """Sends requests to GitHub; thread-safe."""

    def send(self, request: Request) -> Response:
        """Return the response, whatever its status; raise Busy if there is none."""
        ...


class HttpTransport:
    """A pool of connections. It does not retry: the handlers decide about that."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(maxsize=POOL_SIZE, retries=False)

    def send(self, request: Request) -> Response:
        """Return the response, whatever its status; raise Busy if there is none.

        Redirects are followed on the same host only, so that no other host receives the token: 301 and 302 for GET,
        307 and 308 for any method (REST API: Best practices, Follow redirects).
        """
        url = request.url
        for _ in range(MAX_REDIRECTS):
            response = self._send_once(request, url)
            redirect = _redirect_url(request.method, url, response)
            if not redirect:
                break
            url = redirect
        if request.last_bytes and response.status in (301, 302, 307):
            return self._read_end(response.headers.get("location", ""), request.last_bytes)
        return response

    def _read_end(self, url: str, size: int) -> Response:
        """Return the last bytes of a file at another host, which receives no token; 404 if it cannot be read."""
        unavailable = Response(404, {}, b'{"message": "the stored file cannot be read"}', url)
        if not (url.startswith("https://") or LOOPBACK.match(url)):
            return unavailable
        end, length = b"", 0
        try:
            timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
            with self._pool.request("GET", url, preload_content=False, redirect=False, timeout=timeout) as raw:
                for part in raw.stream(CHUNK):
                    end, length = (end + part)[-size:], length + len(part)
                    if length > MAX_FILE_SIZE:
                        return unavailable
        except urllib3.exceptions.HTTPError:
            return unavailable
        return Response(200, {}, end, url) if raw.status == 200 else unavailable

    def _send_once(self, request: Request, url: str) -> Response:
        headers = {**HEADERS, "Authorization": f"Bearer {request.token}"}
        body = None if request.body is None else json.dumps(request.body)
        if body is not None:
            headers["Content-Type"] = "application/json"
        timeout = urllib3.Timeout(total=request.timeout_seconds, connect=CONNECT_SECONDS, read=READ_SECONDS)
        try:
            raw = self._pool.request(request.method, url, body=body, headers=headers, redirect=False, timeout=timeout)
        except urllib3.exceptions.HTTPError as error:
            raise Busy(f"GitHub did not answer {request.method} {urlsplit(url).path}: {error}") from error
        return Response(raw.status, {name.lower(): text for name, text in raw.headers.items()}, raw.data, url)


@dataclass(frozen=True, slots=True)
class DeadlineTransport:
    """A transport whose calls all end by the deadline."""

    inner: Transport
    deadline: datetime
    clock: Callable[[], datetime]

    def send(self, request: Request) -> Response:
        """Return the response, whatever its status; raise Busy if there is none by the deadline."""
        seconds_left = (self.deadline - self.clock()).total_seconds()
        if seconds_left <= 0:
            raise Busy("there was no time left to call GitHub")
        return self.inner.send(replace(request, timeout_seconds=seconds_left))


def _redirect_url(method: str, url: str, response: Response) -> str:
    is_followed = response.status in (307, 308) or (response.status in (301, 302) and method == "GET")
    try:
        target = urljoin(url, response.headers.get("location", "")) if is_followed else url
        return target if target != url and urlsplit(target)[:2] == urlsplit(url)[:2] else ""
    except ValueError:  # the Location header is not a URL
        return ""
