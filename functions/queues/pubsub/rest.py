"""Calls to Google Cloud by REST: who asks, repeated while what fails may pass, and in our words where it does not.

By the standard library alone: Google's client library takes longer to import than all else that the webhook does
until its first answer (make bench, cold start).
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from ssl import SSLCertVerificationError
from typing import Any

from functions.identity import Headers, Identity, IdentityError
from functions.queues.embedded.http_pool import Connections
from functions.queues.pubsub.project import ProjectError, absent, failed, forbidden

CALL_SECONDS = 5.0
"""Longest one call may take."""

LONGEST_SECONDS = 10.0
"""How long calls are repeated; a caller holds a message whose ack deadline is 60 s, and GitHub waits no longer."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds, doubled from one to the next; of each a random share is waited (Pub/Sub: Retry requests)."""

PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""What may be answered otherwise soon (Pub/Sub: Error codes); so may ABORTED, which is one of the reasons for 409."""

LEAST_SECONDS = 0.01
"""What a call has where the time is nearly up."""

MOST_TOLD = 500
"""Characters of Google's message that are repeated."""


class Passing(ProjectError):
    """It may be otherwise soon."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long calls are repeated, by whose clock, and how the time between them is waited."""

    seconds: float = LONGEST_SECONDS
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


class Service:
    """One of Google's services, at `url`; may be used from several threads. Without an identity nobody asks."""

    def __init__(self, url: str, identity: Identity | None, patience: Patience) -> None:
        self._connections = Connections(url, CALL_SECONDS)
        self._identity, self._patience = identity, patience

    def post(self, path: str, what: str, right: str, body: bytes) -> Mapping[str, Any]:
        """The decoded answer. Raises ProjectError: about `what`, with the role `right` that may be lacking."""
        end, pause = self._patience.clock() + self._patience.seconds, FIRST_PAUSE
        while True:
            try:
                return self._once(path, what, right, body, end)
            except Passing:
                waited = random.uniform(0, pause)  # noqa: S311  (so that who failed together does not go on together)
                if self._patience.clock() + waited >= end:
                    raise
                self._patience.wait(waited)
                pause = min(2 * pause, LONGEST_PAUSE)

    def _once(self, path: str, what: str, right: str, body: bytes, end: float) -> Mapping[str, Any]:
        try:
            code, text = self._asked(path, body, end)
        except IdentityError as error:
            raise (Passing if error.passing else ProjectError)(f"{what}: {error}") from error
        except SSLCertVerificationError as error:
            raise ProjectError(failed(what, error)) from error
        except (OSError, HTTPException) as error:
            raise Passing(failed(what, error)) from error
        found = _decoded(text)
        if code != 200:
            raise _refused(code, found, what, right)
        return found

    def _asked(self, path: str, body: bytes, end: float) -> tuple[int, bytes]:
        """The answer; where the token was refused, that to another one."""
        headers = self._identity.headers() if self._identity else {}
        code, text = self._sent(path, headers, body, end)
        if code == 401 and self._identity:
            self._identity.forget(headers)
            return self._sent(path, self._identity.headers(), body, end)
        return code, text

    def _sent(self, path: str, headers: Headers, body: bytes, end: float) -> tuple[int, bytes]:
        seconds = min(CALL_SECONDS, max(end - self._patience.clock(), LEAST_SECONDS))
        return self._connections.post(path, {**headers, "Content-Type": "application/json"}, body, seconds)


def _decoded(text: bytes) -> Mapping[str, Any]:
    """The answer; nothing where it is none of Google's."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _refused(code: int, found: Mapping[str, Any], what: str, right: str) -> ProjectError:
    """What an answer other than 200 comes to (Google Cloud APIs: Errors)."""
    told = found.get("error")
    told = told if isinstance(told, Mapping) else {}
    message = " ".join(f"{code} {told.get('message') or ''}".split())[:MOST_TOLD]
    if code == 404:
        return ProjectError(absent(what))
    if code in (401, 403):
        return ProjectError(forbidden(what, right, message))
    passes = code in PASSING or told.get("status") == "ABORTED"
    return (Passing if passes else ProjectError)(failed(what, message))
