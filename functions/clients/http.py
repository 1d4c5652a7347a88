"""POST JSON to a function, through the proxy that the environment configures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from functions import __version__
from functions.clients.credentials import LOOPBACK
from functions.clients.errors import CommandError
from functions.clients.output import cell

ANSWER_SECONDS = 30.0
"""Request timeout: a function makes a few calls of at most 10 s each (setting cluster.timeout)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A function's response; `body` is None if it is not a JSON object with a field `success`."""

    code: int
    body: Mapping[str, Any] | None
    retry_after: float | None

    def __str__(self) -> str:
        message = self.body.get("message") if self.body else None
        return f"answered {self.code}" + (f" ({cell(message)})" if message else "")


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why there is no response, for people; `sent` if the request may have arrived."""

    why: str
    sent: bool

    def __str__(self) -> str:
        return self.why


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer | NoAnswer:
    """Return the response, or why there is none.

    Responses of every status code are returned. No redirect is followed, because it could take a token elsewhere.
    Credentials in ~/.netrc are not used, because they would replace the token.

    Raises:
        CommandError: the TLS connection failed.
    """
    all_headers = {**headers, "User-Agent": f"orchestrator/{__version__}"}
    try:
        with requests.Session() as session:
            session.trust_env = urlsplit(url).hostname not in LOOPBACK  # no proxy leads to this machine
            session.auth = _keep_headers
            answer = session.post(url, data=body, headers=all_headers, timeout=ANSWER_SECONDS, allow_redirects=False)
    except requests.exceptions.SSLError as error:
        raise CommandError(f"{url}: no secure connection: {error}") from error
    except requests.exceptions.ProxyError as error:  # its URL may hold a password
        why = f"cannot be reached through the proxy that HTTPS_PROXY or HTTP_PROXY names: {cell(root_cause(error))}"
        return NoAnswer(f"{url} {why}", sent=False)
    except requests.RequestException as error:
        cause = root_cause(error)
        if isinstance(cause, ConnectionRefusedError):
            server = urlsplit(url).netloc
            return NoAnswer(f"{url} cannot be reached: nothing listens at {server} (connection refused)", sent=False)
        return NoAnswer(f"{url} cannot be reached: {cell(cause) or type(cause).__name__}", sent=True)
    return Answer(answer.status_code, _json(answer.content), _seconds(answer.headers.get("Retry-After")))


def root_cause(error: BaseException) -> BaseException:
    """Return what the connection failed of, below the wrappers of requests and urllib3."""
    nested = (getattr(error, "reason", None), *error.args, error.__cause__)
    below = next((each for each in nested if isinstance(each, BaseException)), None)
    return root_cause(below) if below else error


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authenticate with the given headers alone (requests: Custom Authentication)."""
    return request


def _json(data: bytes) -> Mapping[str, Any] | None:
    try:
        document = json.loads(data)
    except ValueError:
        return None
    return document if isinstance(document, dict) and "success" in document else None


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
