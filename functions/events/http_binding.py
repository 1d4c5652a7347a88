"""CloudEvents 1.0 over HTTP: binary and structured mode; a batch is refused (CloudEvents, HTTP Protocol Binding).

Knative's ApiServerSource sends its events so, and so do the watch bridge, the embedded queue, and Pub/Sub without
wrapping.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from functions.events.decoding import decode, decode_base64, media_type
from functions.events.event import Event, MalformedError

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
REQUIRED = ("id", "source", "type", "specversion")
"""Attributes that every CloudEvent has (CloudEvents 1.0, Required Attributes)."""


def is_one(headers: Mapping[str, str]) -> bool:
    """Whether the headers (lower-case names) are those of a CloudEvent, in whatever mode."""
    return "ce-type" in headers or "ce-id" in headers or media_type(headers.get("content-type")) in (
        STRUCTURED,
        BATCHED,
    )  # fmt: skip


def opened(headers: Mapping[str, str], body: bytes) -> Event:
    """The event in a request. Raises MalformedError with every problem, each named by attribute."""
    match media_type(headers.get("content-type")):
        case media if media == BATCHED:
            raise MalformedError(("content-type", "a batch of events is not taken; send one event per request"))
        case media if media == STRUCTURED:
            return structured(body)
        case _:
            return _binary(headers, body)


def structured(body: bytes) -> Event:
    """The event in a JSON document. Raises MalformedError."""
    envelope = decode(body)
    if not isinstance(envelope, dict):
        raise MalformedError(("body", "must be a JSON object with a CloudEvent's attributes"))
    if "data_base64" in envelope:
        return event(envelope, decode(decode_base64(envelope["data_base64"], "data_base64"), "data_base64"))
    return event(envelope, envelope.get("data"))


def event(attributes: Mapping[str, Any], data: Any) -> Event:
    """The event with these attributes. Raises MalformedError with every problem."""
    problems = [
        (name, "is required and must be a string that is not empty")
        for name in REQUIRED
        if not (isinstance(attributes.get(name), str) and attributes[name])
    ]
    if not problems and attributes["specversion"] != "1.0":
        problems = [("specversion", "must be 1.0")]
    if problems:
        raise MalformedError(*problems)
    subject, trace = attributes.get("subject"), attributes.get("traceparent")
    return Event(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        subject=subject if isinstance(subject, str) else "",
        data=data,
        trace=trace if isinstance(trace, str) else "",
    )


def _binary(headers: Mapping[str, str], body: bytes) -> Event:
    found = {name.removeprefix("ce-"): _text(value) for name, value in headers.items() if name.startswith("ce-")}
    return event(found, decode(body) if body else None)


def _text(value: str) -> str:
    """A header's value: percent-encoded UTF-8 (Header Values), or UTF-8 as it is, which is how Pub/Sub writes it.

    WSGI hands headers on as Latin-1 (PEP 3333, Unicode Issues).
    """
    return unquote_to_bytes(value.encode("latin-1", "replace")).decode("utf-8", "replace")
