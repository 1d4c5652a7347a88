"""One normaliser for whatever arrives: HTTP headers and body to an `Event`."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from functions.events.event import Event, MalformedError

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
REQUIRED = ("id", "source", "type", "specversion")
"""Attributes that every CloudEvent has (CloudEvents 1.0, Required Attributes)."""


def is_event(headers: Mapping[str, str]) -> bool:
    """Whether a request carries an event, and not a plain body; `headers` have lower-case names."""
    return "ce-type" in headers or "ce-id" in headers or _media_type(headers) in (STRUCTURED, BATCHED)


def normalise(headers: Mapping[str, str], body: bytes) -> Event:
    """The event in a request; `headers` have lower-case names.

    Raises:
        MalformedError: with every problem, each named by attribute.
    """
    match _media_type(headers):
        case media if media == BATCHED:
            raise MalformedError(("content-type", "a batch of events is not taken; send one event per request"))
        case media if media == STRUCTURED:
            return _structured(body)
        case _:
            return _binary(headers, body)


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _structured(body: bytes) -> Event:
    envelope = decode(body)
    if not isinstance(envelope, dict):
        raise MalformedError(("body", "must be a JSON object with a CloudEvent's attributes"))
    return _event(envelope, envelope.get("data"))


def _binary(headers: Mapping[str, str], body: bytes) -> Event:
    # Values are percent-encoded (CloudEvents HTTP binding, HTTP Header Values).
    found = {name.removeprefix("ce-"): value for name, value in headers.items() if name.startswith("ce-")}
    attributes = {name: unquote(value) for name, value in found.items()}
    return _event(attributes, decode(body) if body else None)


def _event(attributes: Mapping[str, Any], data: Any) -> Event:
    problems = [
        (name, "is required and must be a string that is not empty")
        for name in REQUIRED
        if not (isinstance(attributes.get(name), str) and attributes[name])
    ]
    if not problems and attributes["specversion"] != "1.0":
        problems = [("specversion", "must be 1.0")]
    if problems:
        raise MalformedError(*problems)
    subject = attributes.get("subject")
    return Event(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        subject=subject if isinstance(subject, str) else "",
        data=data,
    )


def decode(body: bytes) -> Any:
    """The JSON in `body`. Raises MalformedError."""
    try:
        return json.loads(body, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise MalformedError(("body", f"is not JSON: {error}")) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise MalformedError(*((name, "is given twice") for name in twice))
    return found
