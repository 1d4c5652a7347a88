"""A CloudEvent as the queue keeps it: in binary mode, its data untouched.

The `cloudevents` package decodes and encodes data on its way through; a queue has to hand on the bytes it was
given, so the two HTTP modes are read here (CloudEvents 1.0, HTTP Protocol Binding).
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from functions.events.decoding import decode
from functions.events.http_binding import BATCHED, REQUIRED, STRUCTURED
from functions.events.event import MalformedError

JSON = "application/json"
_NAME = re.compile("[a-z0-9]+")
_ASCII = "".join(map(chr, range(0x20, 0x7F)))
_PLAIN = "".join(set(_ASCII) - set(' "%'))
"""Characters of an attribute that a header carries as they are (HTTP Protocol Binding, 3.1.3.2)."""


@dataclass(frozen=True)
class Message:
    """`headers` are the attributes as `ce-*` and the content-type, with lower-case names; `body` is the data."""

    headers: Mapping[str, str]
    body: bytes

    def structured(self) -> dict[str, Any]:
        """The event in CloudEvents' JSON format, for people to read."""
        event: dict[str, Any] = {n.removeprefix("ce-"): v for n, v in self.headers.items() if n.startswith("ce-")}
        if "content-type" in self.headers:
            event["datacontenttype"] = self.headers["content-type"]
        if not self.body:
            return event
        try:
            data = json.loads(self.body)
            json.dumps(data, ensure_ascii=False, allow_nan=False).encode()  # as it is answered
            return event | {"data": data}
        except (ValueError, RecursionError):
            return event | {"data_base64": base64.b64encode(self.body).decode()}


def parse(headers: Mapping[str, str], body: bytes) -> Message:
    """The event in a request, in binary or structured mode; `headers` have lower-case names.

    Raises:
        MalformedError: with every problem, each named by attribute.
    """
    match headers.get("content-type", "").partition(";")[0].strip().lower():
        case media if media == BATCHED:
            raise MalformedError(("content-type", "a batch of events is not taken; send one event per request"))
        case media if media == STRUCTURED:
            message = _structured(body)
        case _:
            message = _binary(headers, body)
    problems = list(_problems(message.headers))
    if problems:
        raise MalformedError(*problems)
    return message


def _binary(headers: Mapping[str, str], body: bytes) -> Message:
    kept = {name: value for name, value in headers.items() if name.startswith("ce-") or name == "content-type"}
    return Message({name: quote(value, safe=_ASCII, encoding="latin-1") for name, value in kept.items()}, body)


def _structured(body: bytes) -> Message:
    event = decode(body)
    if not isinstance(event, dict):
        raise MalformedError(("body", "must be a JSON object with a CloudEvent's attributes"))
    content_type = event.pop("datacontenttype", JSON)
    data = _data(event, str(content_type))
    headers = {f"ce-{name}": _header(value) for name, value in event.items() if value is not None}
    return Message(headers | {"content-type": _header(content_type)}, data)


def _data(event: dict[str, Any], content_type: str) -> bytes:
    data, encoded = event.pop("data", None), event.pop("data_base64", None)
    if encoded is not None:
        try:
            return base64.b64decode(encoded, validate=True)
        except (ValueError, TypeError):
            raise MalformedError(("data_base64", "is not base64")) from None
    if data is None:
        return b""
    is_json = "json" in content_type or not isinstance(data, str)
    return (json.dumps(data) if is_json else str(data)).encode()


def _header(value: Any) -> str:
    return quote(value if isinstance(value, str) else json.dumps(value), safe=_PLAIN)


def _problems(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in REQUIRED:
        if not headers.get(f"ce-{name}"):
            yield name, "is required and must be a string that is not empty"
    if headers.get("ce-specversion") not in (None, "", "1.0"):
        yield "specversion", "must be 1.0"
    for header in headers:
        name = header.removeprefix("ce-")
        if header.startswith("ce-") and not _NAME.fullmatch(name):
            yield name, "an attribute's name has only lower-case letters and digits"
