"""Asks a submit function for a run, so that however often the request is sent there is one run.

Every request carries an Idempotency-Key. After a broken connection or a busy server the same request is sent again,
a few times, with the same key; a person who gives up can go on later with `--idempotency-key`. Where nobody gave the
key it says only that these tries are one: a person who asks twice for one task is still told so (`If-Unfinished`).
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from functions.clients.api_url import FUNCTIONS, VARIABLE
from functions.clients.credentials import Credentials
from functions.clients.errors import CommandError, Unavailable
from functions.clients.http import Answer, post
from functions.clients.output import Say, cell

WAITS = (1.0, 2.0, 4.0)
"""Seconds before each further try."""

LONGEST_WAIT = 30.0
"""Seconds a server's Retry-After is followed for; what asks for more is given up."""

BUSY = frozenset({429, 500, 502, 503, 504})
"""Answers after which the same request may succeed (a platform answers 500 where no instance could be started)."""


@dataclass(frozen=True, slots=True)
class Key:
    """What all tries of a request have in common; `given` by the person who asks, or made for this one command."""

    text: str
    given: bool = False

    @property
    def headers(self) -> Mapping[str, str]:
        """As a submit function reads it."""
        alone = {} if self.given else {"If-Unfinished": "refuse"}
        return {"Idempotency-Key": self.text, **alone}


@dataclass(frozen=True, slots=True)
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
    key: Key,
    say: Say,
    credentials: Credentials,
    pause: Callable[[float], None] = time.sleep,
) -> Accepted:
    """Asks the function at `url` for a run with this spec (camelCase), again with the same key while it is busy.

    Raises:
        Refused: it will not take the request; nothing was created.
        Unavailable: it did not answer, or was busy, until the last try; a run may have been created.
        CommandError: there is no secure connection to it.
    """
    headers = {"Content-Type": "application/json", **key.headers, **credentials.headers}
    body = json.dumps(spec).encode()
    for wait in (*WAITS, None):
        answer = post(url, body, headers)
        if isinstance(answer, Answer) and answer.code not in BUSY:
            return _read(answer, url, kind, credentials)
        retry_after = answer.retry_after if isinstance(answer, Answer) else None
        if wait is None or (retry_after or 0) > LONGEST_WAIT:
            raise Unavailable(_given_up(url, answer, key.text))
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
        return (
            "" if (answer.body or {}).get("errors") else credentials.remedy
        )  # the caller is known, and may not use a field
    if answer.code == 409 and answer.body:
        return "for a second run beside it give --idempotency-key with a text of your own"
    if answer.code == 422 and answer.body:
        return "the key belongs to an earlier request with other values: leave --idempotency-key out"
    if answer.body is None:
        return f"no submit function is there: check --api-url or {VARIABLE}"
    return ""


def _given_up(url: str, answer: Answer | str, key: str) -> str:
    cause = f"{url} {answer}" if isinstance(answer, Answer) else answer
    return (
        f"{cause}\nit is not known whether the run was created; the same command makes no second one with\n"
        f"  --idempotency-key {key}"
    )
