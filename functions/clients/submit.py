"""Submit a run, exactly once however often the request is sent.

Every request carries an Idempotency-Key. After a broken connection or a busy server the same request is sent again
with the same key, a few times; a user can continue later with `--idempotency-key`. A generated key only identifies the
retries of one command, so the header `If-Unfinished: refuse` still rejects a second run of the same task.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from functions.clients.api_url import FUNCTIONS, VARIABLE
from functions.clients.credentials import Credentials
from functions.clients.errors import CommandError, Unavailable
from functions.clients.http import Answer, NoAnswer, post
from functions.clients.output import Say, cell

WAITS = (1.0, 2.0, 4.0)
"""Seconds before each retry."""

LONGEST_WAIT = 30.0
"""Longest Retry-After that is obeyed, in seconds; the request is given up if a server asks for more."""

BUSY = frozenset({429, 500, 502, 503, 504})
"""Status codes after which the same request may succeed (platforms send 500 if no instance could be started)."""


@dataclass(frozen=True, slots=True)
class Key:
    """The idempotency key of a request; `given` by the user, or generated for this command."""

    text: str
    given: bool = False

    @property
    def headers(self) -> Mapping[str, str]:
        """The request headers that carry the key."""
        alone = {} if self.given else {"If-Unfinished": "refuse"}
        return {"Idempotency-Key": self.text, **alone}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The response to an accepted request; `repeated` if an earlier request created the run."""

    name: str
    namespace: str
    kind: str
    uid: str
    phase: str
    message: str
    repeated: bool


class Refused(CommandError):
    """The function rejected the request; `problems` are pairs of a field (camelCase) and what is wrong."""

    def __init__(self, text: str, problems: list[tuple[str, str]]) -> None:
        super().__init__("\n".join([text, *(f"  {field}: {why}" for field, why in problems)]))
        self.problems = problems


def submit(
    url: str,
    kind: str,
    spec: Mapping[str, Any],
    key: Key,
    say: Say,
    credentials: Credentials,
    pause: Callable[[float], None] = time.sleep,
) -> Accepted:
    """Submit a run with this spec (camelCase) to `url`; retry with the same key while the function is busy.

    Raises:
        Refused: the function rejected the request; nothing was created.
        Unavailable: the function did not answer or was busy until the last try; a run may have been created.
        CommandError: the TLS connection failed.
    """
    headers = {"Content-Type": "application/json", **key.headers, **credentials.headers}
    body = json.dumps(spec).encode()
    sent = False
    for wait in (*WAITS, None):
        answer = post(url, body, headers)
        if isinstance(answer, Answer) and answer.code not in BUSY:
            return _read(answer, url, kind, credentials)
        sent = sent or isinstance(answer, Answer) or answer.sent
        retry_after = answer.retry_after if isinstance(answer, Answer) else None
        if wait is None or (retry_after or 0) > LONGEST_WAIT:
            raise Unavailable(_given_up(url, answer, key.text if sent else ""))
        wait = max(wait, retry_after or 0)
        say(f"{FUNCTIONS[kind]}: {answer}; trying again in {wait:.0f} s")
        pause(wait)
    raise AssertionError("the last try returns or raises")


def _read(answer: Answer, url: str, kind: str, credentials: Credentials) -> Accepted:
    if answer.code in (200, 201) and answer.body and isinstance(answer.body.get("data"), dict):
        data = {field: cell(answer.body["data"].get(field)) for field in ("name", "namespace", "kind", "uid", "phase")}
        return Accepted(**data, message=cell(answer.body.get("message")), repeated=answer.code == 200)
    problems = [
        (cell(error.get("field")), cell(error.get("message")))
        for error in (answer.body or {}).get("errors", ())
        if isinstance(error, dict)
    ]
    remedy = _remedy(answer, credentials)
    raise Refused(f"{FUNCTIONS[kind]} at {url} {answer}{f'; {remedy}' if remedy else ''}", problems)


def _remedy(answer: Answer, credentials: Credentials) -> str:
    if answer.code in (401, 403):
        return "" if (answer.body or {}).get("errors") else credentials.remedy  # authenticated, but may not use a field
    if answer.code == 409 and answer.body:
        return "for a second run beside it give --idempotency-key with a text of your own"
    if answer.code == 422 and answer.body:
        return "the key belongs to an earlier request with other values: leave --idempotency-key out"
    if answer.body is None:
        return f"the URL is not a submit function: check --api-url or {VARIABLE}"
    return ""


def _given_up(url: str, answer: Answer | NoAnswer, key: str) -> str:
    """Return why, and how to go on; `key` is that of the request, empty if no try has reached a server."""
    cause = f"{url} {answer}" if isinstance(answer, Answer) else str(answer)
    if not key:
        return f"{cause}; no run was created: check --api-url or {VARIABLE} (on one machine: is `make dev` running?)"
    return (
        f"{cause}\nit is unknown whether the run was created; "
        f"to retry without creating a second one, repeat the command with\n  --idempotency-key {key}"
    )
