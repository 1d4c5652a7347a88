"""One POST of JSON to a function, through whatever proxy the environment names, and what came back of it."""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from functions import __version__
from functions.clients.credentials import LOOPBACK
from functions.clients.errors import CommandError
from functions.clients.output import cell

if TYPE_CHECKING:
    from http.client import HTTPResponse

ANSWER_SECONDS = 30.0
"""A function answers within the setting cluster.timeout, 10 s, for each of its few calls."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `body` is None where it is not JSON of the form that functions answer with."""

    code: int
    body: Mapping[str, Any] | None
    retry_after: float | None

    def __str__(self) -> str:
        message = self.body.get("message") if self.body else None
        return f"answered {self.code}" + (f" ({cell(message)})" if message else "")


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer | str:
    """The answer, or why there is none. Raises CommandError where there is no secure connection.

    Every answer is taken as it is; in particular no redirect is followed, which could take a token elsewhere.
    """
    from http.client import HTTPException

    ask = _by_proxy if _may_need_proxy(url) else _directly
    try:
        return ask(url, body, {**headers, "User-Agent": f"orchestrator/{__version__}", "Connection": "close"})
    except (OSError, HTTPException) as error:
        import ssl

        if isinstance(error, ssl.SSLError):
            raise CommandError(f"{url}: no secure connection: {error}") from error
        return f"{url} cannot be reached: {cell(error) or type(error).__name__}"


def _may_need_proxy(url: str) -> bool:
    """Whether a proxy is named, or could be where only the system's settings tell; this machine is asked directly."""
    if urlsplit(url).hostname in LOOPBACK:
        return False
    return sys.platform in ("darwin", "win32") or any(each.lower().endswith("_proxy") for each in os.environ)


def _directly(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """By what urllib.request does it with too, which takes as long to import as that."""
    from http import client

    where = urlsplit(url)
    connect = client.HTTPSConnection if where.scheme == "https" else client.HTTPConnection
    with closing(connect(where.hostname or "", where.port, timeout=ANSWER_SECONDS)) as connection:
        connection.request("POST", (where.path or "/") + (f"?{where.query}" if where.query else ""), body, headers)
        return _answer(connection.getresponse())


def _by_proxy(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """As the environment has it (HTTPS_PROXY, NO_PROXY), or the system. Raises OSError, HTTPException."""
    from urllib import request
    from urllib.error import URLError

    opener = request.OpenerDirector()
    for make in (request.HTTPHandler, request.HTTPSHandler, request.UnknownHandler, request.ProxyHandler):
        opener.add_handler(make())
    asked = request.Request(url, body, headers)  # noqa: S310  (function_url)
    try:
        with opener.open(asked, timeout=ANSWER_SECONDS) as found:
            return _answer(found)
    except URLError as error:
        raise error.reason if isinstance(error.reason, OSError) else OSError(error.reason) from error


def _answer(found: "HTTPResponse") -> Answer:
    return Answer(found.status, _json(found.read()), _seconds(found.headers.get("Retry-After")))


def _json(data: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(data)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "success" in found else None


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
