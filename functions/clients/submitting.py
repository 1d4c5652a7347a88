"""Asks a submit function for a run, so that however often the request is sent there is one run.

Every request carries an Idempotency-Key. After a broken connection or a busy server the same request is sent again,
a few times, with the same key; a person who gives up can go on later with `--idempotency-key`.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from functions.clients.api_url import FUNCTIONS, VARIABLE
from functions.clients.credentials import LOOPBACK, Credentials
from functions.clients.failing import CommandError, Unavailable
from functions.clients.output import Say, cell

if TYPE_CHECKING:
    import urllib3

WAITS = (1.0, 2.0, 4.0)
"""Seconds before each further try."""

LONGEST_WAIT = 30.0
"""Seconds a server's Retry-After is followed for; what asks for more is given up."""

ANSWER_SECONDS = 30.0
"""A function answers within the setting cluster.timeout, 10 s, for each of its few calls."""

BUSY = frozenset({429, 500, 502, 503, 504})
"""Answers after which the same request may succeed (a platform answers 500 where no instance could be started)."""


@dataclass(frozen=True)
class Accepted:
    """The server's answer to an accepted request; `repeated` where an earlier request made the run."""

    name: str
    namespace: str
    kind: str
    uid: str
    phase: str
    message: str
    repeated: bool


class Refused(CommandError):
    """The function will not take the request; `problems` are (field in camelCase, what is wrong)."""

    def __init__(self, text: str, problems: list[tuple[str, str]]) -> None:
        super().__init__("\n".join([text, *(f"  {field}: {why}" for field, why in problems)]))
        self.problems = problems


def submit(
    url: str,
    kind: str,
    spec: Mapping[str, Any],
    key: str,
    say: Say,
    who: Credentials,
    pause: Callable[[float], None] = time.sleep,
) -> Accepted:
    """Asks the function at `url` for a run with this spec (camelCase), again with the same key while it is busy.

    Raises:
        Refused: it will not take the request; nothing was created.
        Unavailable: it did not answer, or was busy, until the last try; a run may have been created.
        CommandError: there is no secure connection to it.
    """
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, **who.headers}
    body = json.dumps(spec).encode()
    for wait in (*WAITS, None):
        found = _post(url, body, headers)
        if isinstance(found, Answer) and found.code not in BUSY:
            return _read(found, url, kind, who)
        asked = found.retry_after if isinstance(found, Answer) else None
        if wait is None or (asked or 0) > LONGEST_WAIT:
            raise Unavailable(_given_up(url, found, key))
        wait = max(wait, asked or 0)
        say(f"{FUNCTIONS[kind]}: {found}; trying again in {wait:.0f} s")
        pause(wait)
    raise AssertionError("the last try returns or raises")


@dataclass(frozen=True)
class Answer:
    """What came back: `body` is None where it is not JSON of the form that functions answer with."""

    code: int
    body: Mapping[str, Any] | None
    retry_after: float | None

    def __str__(self) -> str:
        message = self.body.get("message") if self.body else None
        return f"answered {self.code}" + (f" ({cell(message)})" if message else "")


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> "Answer | str":
    """The answer, or why there is none."""
    import urllib3

    try:
        found = _connections(url).request(
            "POST", url, body=body, headers=dict(headers), retries=False, redirect=False, timeout=ANSWER_SECONDS
        )
    except urllib3.exceptions.SSLError as error:
        raise CommandError(f"{url}: no secure connection: {error}") from error
    except urllib3.exceptions.HTTPError as error:
        return f"{url} cannot be reached: {_plainly(error)}"
    return Answer(found.status, _json(found.data), _seconds(found.headers.get("Retry-After")))


def _connections(url: str) -> "urllib3.PoolManager":
    """Connections as the environment has it: through a proxy (HTTPS_PROXY, NO_PROXY), or direct."""
    from urllib.request import getproxies, proxy_bypass

    import urllib3

    where = urlsplit(url)
    host, proxy = where.hostname or "", getproxies().get(where.scheme)
    direct = not proxy or host in LOOPBACK or proxy_bypass(host)
    return urllib3.PoolManager() if direct else urllib3.ProxyManager(str(proxy))


def _plainly(error: Exception) -> str:
    """The cause in words: urllib3 puts the connection object before it."""
    return str(error).rpartition("): ")[2] or type(error).__name__


def _json(data: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(data)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "success" in found else None


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None


def _read(found: Answer, url: str, kind: str, who: Credentials) -> Accepted:
    if found.code in (200, 201) and found.body and isinstance(found.body.get("data"), dict):
        data = {field: cell(found.body["data"].get(field)) for field in ("name", "namespace", "kind", "uid", "phase")}
        return Accepted(**data, message=cell(found.body.get("message")), repeated=found.code == 200)
    problems = [
        (cell(each.get("field")), cell(each.get("message")))
        for each in (found.body or {}).get("errors", ())
        if isinstance(each, dict)
    ]
    remedy = _remedy(found, who)
    raise Refused(f"{FUNCTIONS[kind]} at {url} {found}{f'; {remedy}' if remedy else ''}", problems)


def _remedy(found: Answer, who: Credentials) -> str:
    if found.code in (401, 403):
        return who.remedy
    if found.code == 422 and found.body:
        return "the key belongs to an earlier request with other values: leave --idempotency-key out"
    if found.body is None:
        return f"no submit function is there: check --api-url or {VARIABLE}"
    return ""


def _given_up(url: str, found: "Answer | str", key: str) -> str:
    what = f"{url} {found}" if isinstance(found, Answer) else found
    return (
        f"{what}\nit is not known whether the run was created; the same command makes no second one with\n"
        f"  --idempotency-key {key}"
    )
