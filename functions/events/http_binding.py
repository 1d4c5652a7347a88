"""CloudEvents over HTTP, read and written by the SDK (CloudEvents 1.0: HTTP Protocol Binding).

Added here because the SDK (cloudevents 1.12) lacks it: an error that names every missing attribute, percent-encoding
and quoting of headers, strict base64. A batch is rejected.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, unquote_to_bytes

from cloudevents.abstract import CloudEvent
from cloudevents.conversion import from_dict, from_http, to_binary

from functions.events.decoding import decode, decode_base64, media_type
from functions.events.event import SPEC_VERSION, Event, MalformedError

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
REQUIRED = ("id", "source", "type", "specversion")
"""Attributes of every CloudEvent (CloudEvents 1.0: Required Attributes)."""

RESERVED = frozenset({"data", "extensions"})
"""Names that are not attributes; the SDK would take a header `ce-data` for the data itself."""

PREFIX = "ce-"
HEADER_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
"""Characters of an attribute that a header carries unencoded (HTTP Protocol Binding: HTTP Header Values)."""

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
"""A quoted string (RFC 7230, section 3.2.6), which senders of older versions of the binding write."""

AnyEvent = TypeVar("AnyEvent", bound=CloudEvent)


def matches(headers: Mapping[str, str]) -> bool:
    """Return whether these headers (lower-case names) belong to a CloudEvent in any mode."""
    media = media_type(headers.get("content-type"))
    return "ce-type" in headers or "ce-id" in headers or media in (STRUCTURED, BATCHED)


def from_request(headers: Mapping[str, str], document: Any) -> Event:
    """Return the event of a request whose body was decoded to `document`; None for an empty body.

    Raises:
        MalformedError: names every missing or wrong attribute.
    """
    media = media_type(headers.get("content-type"))
    if media == BATCHED:
        raise MalformedError(("content-type", "a batch of events is not accepted; send one event per request"))
    return from_document(document) if media == STRUCTURED else binary_event(Event, decoded(headers), document)


def to_request(event: CloudEvent, marshal: Callable[[Any], bytes] | None = None) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of an event in binary mode; `marshal` writes the data, by default as JSON."""
    headers, body = to_binary(event, marshal)
    encoded = {
        name: quote(value, safe=HEADER_SAFE) if name.startswith(PREFIX) else value for name, value in headers.items()
    }
    return encoded, body or b""


def from_document(document: Any) -> Event:
    """Return the event in a decoded document of structured mode; raise MalformedError naming every problem."""
    if not isinstance(document, dict):
        raise MalformedError(("body", "must be a JSON object with a CloudEvent's attributes"))
    data = document.get("data")
    if "data_base64" in document:
        data = decode(decode_base64(document["data_base64"], "data_base64"), "data_base64")
    _check(document)
    return from_dict(Event, {**document, "data": data})


def binary_event(event_type: type[AnyEvent], headers: Mapping[str, str], data: Any) -> AnyEvent:
    """Return the event with the attributes in these headers, whose values are decoded, and with `data` as it is."""
    _check({name.removeprefix(PREFIX): value for name, value in headers.items() if name.startswith(PREFIX)})
    return from_http(event_type, headers, b"", lambda _: data)


def problems(attributes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the required attributes, each by name."""
    for name in REQUIRED:
        value = attributes.get(name)
        if not (isinstance(value, str) and value):
            yield name, "is required and must be a string that is not empty"
        elif name == "specversion" and value != SPEC_VERSION:
            yield name, f"must be {SPEC_VERSION}"


def _check(attributes: Mapping[str, Any]) -> None:
    found = [*problems(attributes)]
    if found:
        raise MalformedError(*found)


def decoded(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes among these headers, decoded, and the content-type."""
    kept = {name: value for name, value in headers.items() if name.startswith(PREFIX) or name == "content-type"}
    return {
        name: _header_text(value) if name.startswith(PREFIX) else value
        for name, value in kept.items()
        if name.removeprefix(PREFIX) not in RESERVED
    }


def _header_text(value: str) -> str:
    """Return the text of a header, quoted or not: percent-encoded UTF-8, or plain UTF-8 as Pub/Sub writes it.

    WSGI gives headers as Latin-1 (PEP 3333: Unicode Issues).
    """
    if quoted := _QUOTED.fullmatch(value):
        value = re.sub(r"\\(.)", r"\1", quoted[1])
    return unquote_to_bytes(value.encode("latin-1", "replace")).decode("utf-8", "replace")
