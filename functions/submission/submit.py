"""Reads a request for a run: over HTTP its body is the spec, in a CloudEvent from the queue the data is."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from functions.events.decoding import media_type
from functions.events.event import PLAIN_MESSAGE, Event, MalformedError, requested
from functions.events.receive import Received
from functions.runs.model.kinds import RunKind
from functions.runs.model.run import UNKNOWN_FIELD, problems
from functions.runs.model.run_spec import RunSpec
from functions.runs.model.specs import SPECS
from functions.serving import authentication
from functions.serving.dependencies import Dependencies
from functions.serving.http import Answer, Refused, Request
from functions.serving.watch_events import ignored
from functions.submission.acceptance import Key, accept
from functions.telemetry import context

IDEMPOTENCY_KEY = r"^[!-~]([ -~]{0,253}[!-~])?$"
"""Values of the header Idempotency-Key; spaces around a header's value are not part of it (RFC 9110, section 5.5)."""


def submit(deps: Dependencies, kind: str, request: Request) -> Answer:
    """Answer 201 with the new run, or 200 with the run of an earlier request with the same key.

    The key is the header Idempotency-Key, or the event's source and id. Events that request another kind are
    acknowledged.

    Raises:
        Refused: the caller, the key or the spec is not acceptable; nothing was created.
        MalformedError: the request is neither an event nor a JSON object.
        ClusterError: it is not known whether the run was created; the same request with a key may be sent again.
    """
    caller = authentication.authenticate(deps.settings.auth, request)
    received = request.received
    if not received.is_event:
        return accept(deps, caller, _spec(kind, _body(received)), _header_key(received))
    event = context.bind_event(received.event())
    if event.type != PLAIN_MESSAGE and event.type != requested(RunKind(kind).word):
        return ignored(event)
    return accept(deps, caller, _spec(kind, event.data), _event_key(event))


def _body(received: Received) -> Any:
    media = media_type(received.headers.get("content-type"))
    if media != "application/json":
        raise Refused(415, "send the spec as application/json", [("content-type", f"is {media or 'missing'}")])
    return received.document()


def _header_key(received: Received) -> Key | None:
    key = received.headers.get("idempotency-key")
    if key is not None and not re.search(IDEMPOTENCY_KEY, key):
        raise Refused(
            400,
            "the header Idempotency-Key is not valid",
            [("Idempotency-Key", "must have 1 to 255 printable ASCII characters")],
        )
    if_unfinished = received.headers.get("if-unfinished")
    if if_unfinished not in (None, "refuse"):
        raise Refused(400, "the header If-Unfinished is not valid", [("If-Unfinished", "must be refuse, or left out")])
    return Key("Idempotency-Key", f"key\n{key}", exclusive=if_unfinished is not None) if key else None


def _event_key(event: Event) -> Key:
    return Key("id", f"event\n{event.source}\n{event.id}")


_MIXED = "is camelCase beside fields in snake_case; write all fields in one of them"


def _spec(kind: str, body: Any) -> RunSpec:
    """Return the spec in a request, in camelCase or snake_case but no mixture; raise Refused for unknown fields."""
    if not isinstance(body, Mapping):
        raise MalformedError(("body", "must be a JSON object: the spec of the run"))
    snake = any("_" in str(field) for field in body)
    spec, found = _parse(kind, body, camel=not snake, snake=snake)
    if spec:
        return spec
    _, remaining = _parse(kind, body, camel=True, snake=snake)
    mixed = {(field, UNKNOWN_FIELD) for field, _ in found} - set(remaining)
    raise Refused(400, "the spec is not valid", [(each[0], _MIXED) if each in mixed else each for each in found])


def _parse(
    kind: str, body: Mapping[str, Any], *, camel: bool, snake: bool
) -> tuple[RunSpec | None, list[tuple[str, str]]]:
    """Return the spec whose fields have these styles, or else its problems."""
    try:
        return SPECS[kind].model_validate(dict(body), strict=True, extra="forbid", by_alias=camel, by_name=snake), []
    except ValidationError as error:
        return None, problems(error)
