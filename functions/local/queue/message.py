"""A CloudEvent as the queue keeps it: in binary mode, with the bytes of its data unchanged.

The SDK reads and writes the event. It gets the data as bytes, so that it does not decode them.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cloudevents.abstract import CloudEvent
from cloudevents.conversion import from_dict, to_dict

from functions.events import http_binding
from functions.events.decoding import decode, decode_base64, media_type
from functions.events.event import JSON, MalformedError

_ATTRIBUTE_NAME = re.compile("[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class BinaryEvent(CloudEvent):
    """An event of the SDK with all its attributes as text, and its data as bytes."""

    attributes: Mapping[str, str]
    data: bytes

    @classmethod
    def create(cls, attributes: Mapping[str, Any], data: Any) -> "BinaryEvent":
        """Return the event with these attributes and data, as the SDK reads it."""
        return cls({name: _text(value) for name, value in attributes.items() if value is not None}, data or b"")

    def get_data(self) -> bytes:
        """Return the data, as the SDK writes it."""
        return self.data

    def _get_attributes(self) -> dict[str, Any]:
        return dict(self.attributes)


@dataclass(frozen=True, slots=True)
class Message:
    """An event in binary mode: `headers` have lower-case names and percent-encoded attributes; `body` is the data."""

    headers: Mapping[str, str]
    body: bytes

    def structured(self) -> dict[str, Any]:
        """Return the event in CloudEvents' JSON format, for people to read."""
        event = to_dict(http_binding.binary_event(BinaryEvent, http_binding.decoded(self.headers), self.body))
        data: bytes = event.pop("data")
        return {**event, **_readable(data)} if data else event


def parse(headers: Mapping[str, str], body: bytes) -> Message:
    """Return the event in a request, in binary or structured mode; `headers` have lower-case names.

    Raises:
        MalformedError: names every problem by attribute.
    """
    match media_type(headers.get("content-type")):
        case http_binding.BATCHED:
            raise MalformedError(("content-type", "a batch of events is not accepted; send one event per request"))
        case http_binding.STRUCTURED:
            event = _from_structured(body)
        case _:
            event = _from_binary(headers, body)
    return Message(*http_binding.to_request(event, lambda data: data))


def _from_binary(headers: Mapping[str, str], body: bytes) -> BinaryEvent:
    decoded = http_binding.decoded(headers)
    prefix = http_binding.PREFIX
    _check({name.removeprefix(prefix): value for name, value in decoded.items() if name.startswith(prefix)})
    return http_binding.binary_event(BinaryEvent, decoded, body)


def _from_structured(body: bytes) -> BinaryEvent:
    document = decode(body)
    if not isinstance(document, dict):
        raise MalformedError(("body", "must be a JSON object with a CloudEvent's attributes"))
    attributes = {"datacontenttype": JSON, **document}
    data = _data(attributes.pop("data", None), attributes.pop("data_base64", None), str(attributes["datacontenttype"]))
    _check(attributes)
    return from_dict(BinaryEvent, {**attributes, "data": data})


def _data(value: Any, encoded: Any, content_type: str) -> bytes:
    """Return the bytes of the data in structured mode: JSON unless it is text of another content type."""
    if encoded is not None:
        return decode_base64(encoded, "data_base64")
    if value is None:
        return b""
    is_text = isinstance(value, str) and "json" not in content_type
    return (value if is_text else json.dumps(value)).encode()


def _check(attributes: Mapping[str, Any]) -> None:
    problems = [*http_binding.problems(attributes), *_bad_names(attributes)]
    if problems:
        raise MalformedError(*problems)


def _bad_names(names: Iterable[str]) -> list[tuple[str, str]]:
    problem = "an attribute's name has only lower-case letters and digits"
    return [(name, problem) for name in names if not _ATTRIBUTE_NAME.fullmatch(name)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _readable(data: bytes) -> dict[str, Any]:
    """Return the data as JSON if it is JSON that can be written again, else in base64."""
    try:
        value = json.loads(data)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return {"data_base64": base64.b64encode(data).decode()}
    return {"data": value}
