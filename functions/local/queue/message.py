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
from cloudevents.conversion import to_dict

from functions.events import http_binding
from functions.events.event import MalformedError

_ATTRIBUTE_NAME = re.compile("[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class BinaryEvent(CloudEvent):
    """An event of the SDK with all its attributes as text, and its data as bytes."""

    attributes: Mapping[str, str]
    data: bytes

    @classmethod
    def create(cls, attributes: Mapping[str, Any], data: Any) -> "BinaryEvent":
        """Return the event with these attributes and data, as the SDK reads it."""
        return cls(dict(attributes), data or b"")

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
    """Return the event in a request in binary mode, as functions publish; `headers` have lower-case names.

    Raises:
        MalformedError: names every problem by attribute.
    """
    decoded, prefix = http_binding.decoded(headers), http_binding.PREFIX
    _check({name.removeprefix(prefix): value for name, value in decoded.items() if name.startswith(prefix)})
    return Message(*http_binding.to_request(http_binding.binary_event(BinaryEvent, decoded, body), lambda data: data))


def _check(attributes: Mapping[str, Any]) -> None:
    problems = [*http_binding.problems(attributes), *_bad_names(attributes)]
    if problems:
        raise MalformedError(*problems)


def _bad_names(names: Iterable[str]) -> list[tuple[str, str]]:
    problem = "an attribute's name has only lower-case letters and digits"
    return [(name, problem) for name in names if not _ATTRIBUTE_NAME.fullmatch(name)]


def _readable(data: bytes) -> dict[str, Any]:
    """Return the data as JSON if it is JSON that can be written again, else in base64."""
    try:
        value = json.loads(data)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return {"data_base64": base64.b64encode(data).decode()}
    return {"data": value}
