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
    who: Credentials,
    pause: Callable[[float], None] = time.sleep,
) -> Accepted:
    """Asks the function at `url` for a run with this spec (camelCase), again with the same key while it is busy.

    Raises:
        Refused: it will not take the request; nothing was created.
        Unavailable: it did not answer, or was busy, until the last try; a run may have been created.
        CommandError: there is no secure connection to it.
    """
    headers = {"Content-Type": "application/json", **key.headers, **who.headers}
    body = json.dumps(spec).encode()
    for wait in (*WAITS, None):
        found = post(url, body, headers)
        if isinstance(found, Answer) and found.code not in BUSY:
            return _read(found, url, kind, who)
        asked = found.retry_after if isinstance(found, Answer) else None
        if wait is None or (asked or 0) > LONGEST_WAIT:
            raise Unavailable(_given_up(url, found, key.text))
        wait = max(wait, asked or 0)
        say(f"{FUNCTIONS[kind]}: {found}; trying again in {wait:.0f} s")
        pause(wait)
    raise AssertionError("the last try returns or raises")


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
        return "" if (found.body or {}).get("errors") else who.remedy  # the caller is known, and may not use a field
    if found.code == 409 and found.body:
        return "for a second run beside it give --idempotency-key with a text of your own"
    if found.code == 422 and found.body:
        return "the key belongs to an earlier request with other values: leave --idempotency-key out"
    if found.body is None:
        return f"no submit function is there: check --api-url or {VARIABLE}"
    return ""


def _given_up(url: str, found: Answer | str, key: str) -> str:
    what = f"{url} {found}" if isinstance(found, Answer) else found
    return (
        f"{what}\nit is not known whether the run was created; the same command makes no second one with\n"
        f"  --idempotency-key {key}"
    )
