"""One POST of JSON to a function, through whatever proxy the environment names, and what came back of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from functions import __version__
from functions.clients.credentials import LOOPBACK
from functions.clients.failing import CommandError
from functions.clients.output import cell

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

ANSWER_SECONDS = 30.0
"""A function answers within the setting cluster.timeout, 10 s, for each of its few calls."""


@dataclass(frozen=True)
class Answer:
    """What came back: `body` is None where it is not JSON of the form that functions answer with."""

    code: int
    body: Mapping[str, Any] | None
    retry_after: float | None

    def __str__(self) -> str:
        message = self.body.get("message") if self.body else None
        return f"answered {self.code}" + (f" ({cell(message)})" if message else "")


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer | str:
    """The answer, or why there is none. Raises CommandError where there is no secure connection."""
    import ssl
    from http.client import HTTPException
    from urllib.error import URLError
    from urllib.request import Request

    request = Request(url, body, {**headers, "User-Agent": f"orchestrator/{__version__}"})  # noqa: S310  (function_url)
    try:
        with _opener(url).open(request, timeout=ANSWER_SECONDS) as found:
            return Answer(found.status, _json(found.read()), _seconds(found.headers.get("Retry-After")))
    except (OSError, HTTPException) as error:
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, ssl.SSLError):
            raise CommandError(f"{url}: no secure connection: {cause}") from error
        return f"{url} cannot be reached: {cell(cause) or type(cause).__name__}"


def _opener(url: str) -> "OpenerDirector":
    """Connects as the environment has it (HTTPS_PROXY, NO_PROXY), but to this machine directly.

    Every answer is taken as it is; in particular no redirect is followed, which could take a token elsewhere. From
    the standard library, because urllib3 takes longer to import than the rest of the command.
    """
    from urllib import request

    opener = request.OpenerDirector()
    proxies: dict[str, str] | None = {} if urlsplit(url).hostname in LOOPBACK else None
    for make in (request.HTTPHandler, request.HTTPSHandler, request.UnknownHandler):
        opener.add_handler(make())
    opener.add_handler(request.ProxyHandler(proxies))
    return opener


def _json(data: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(data)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "success" in found else None


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
