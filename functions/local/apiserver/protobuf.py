"""Protobuf bodies: `kubectl create secret|configmap|namespace` sends nothing else.

Only these kinds are read, and answers are always JSON (kubectl takes either). A message is read by the tables below;
their numbers are those of generated.proto in k8s.io/api and k8s.io/apimachinery. The wire format is described at
protobuf.dev, "Encoding".
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from functions.local.apiserver.errors import Obj

MAGIC = b"k8s\x00"
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
FIXED_SIZES = {FIXED64: 8, FIXED32: 4}


class UnreadableError(ValueError):
    """Not a message of a kind that is read here, or one with fields that are not."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message. A `map` has its values in `type`; its keys are strings."""

    name: str
    type: "Literal['string', 'bytes', 'bool'] | Message" = "string"
    many: Literal["one", "list", "map"] = "one"


Message = dict[int, Field]

OWNER: Message = {
    1: Field("kind"),
    3: Field("name"),
    4: Field("uid"),
    5: Field("apiVersion"),
    6: Field("controller", "bool"),
    7: Field("blockOwnerDeletion", "bool"),
}
METADATA: Message = {
    1: Field("name"),
    2: Field("generateName"),
    3: Field("namespace"),
    5: Field("uid"),
    6: Field("resourceVersion"),
    8: Field("creationTimestamp", {}),
    11: Field("labels", many="map"),
    12: Field("annotations", many="map"),
    13: Field("ownerReferences", OWNER, "list"),
    14: Field("finalizers", many="list"),
}
MESSAGES: dict[str, Message] = {
    "ConfigMap": {
        1: Field("metadata", METADATA),
        2: Field("data", many="map"),
        3: Field("binaryData", "bytes", "map"),
        4: Field("immutable", "bool"),
    },
    "Namespace": {1: Field("metadata", METADATA), 2: Field("spec", {}), 3: Field("status", {})},
    "Secret": {
        1: Field("metadata", METADATA),
        2: Field("data", "bytes", "map"),
        3: Field("type"),
        4: Field("stringData", many="map"),
        5: Field("immutable", "bool"),
    },
}
TYPE_META: Message = {1: Field("apiVersion"), 2: Field("kind")}
ENVELOPE: Message = {
    1: Field("type", TYPE_META),
    2: Field("raw", "bytes"),
    3: Field("encoding"),
    4: Field("contentType"),
}


def read_object(body: bytes) -> Obj:
    """The object in a body, as its JSON would be. Raises UnreadableError."""
    if not body.startswith(MAGIC):
        raise UnreadableError("it does not begin as Kubernetes' protobuf does")
    envelope = _read(ENVELOPE, body[len(MAGIC) :])
    kind = envelope.get("type", {}).get("kind", "")
    if kind not in MESSAGES:
        raise UnreadableError(f"kind {kind!r} is not taken as protobuf")
    return {**envelope["type"], **_read(MESSAGES[kind], base64.b64decode(envelope.get("raw", "")))}


def _read(message: Message, data: bytes) -> Obj:
    found: Obj = {}
    for number, raw in _fields(data):
        field = message.get(number)
        if field is None and not raw:
            continue  # empty fields are sent too
        if field is None:
            raise UnreadableError(f"field number {number} is not known here")
        value = _map_entry(field, raw) if field.many == "map" else _value(field.type, raw)
        if field.many == "map":
            found.setdefault(field.name, {}).update(value)
        elif field.many == "list":
            found.setdefault(field.name, []).append(value)
        elif value not in ("", {}):
            found[field.name] = value
    return found


def _map_entry(field: Field, raw: int | bytes) -> Obj:
    entry = _value({1: Field("key"), 2: Field("value", field.type)}, raw)
    return {entry.get("key", ""): entry.get("value", "")}


def _value(kind: "Literal['string', 'bytes', 'bool'] | Message", raw: int | bytes) -> Any:
    if isinstance(raw, int):
        return bool(raw)
    if kind == "string":
        return raw.decode()
    if kind == "bytes":
        return base64.b64encode(raw).decode()
    if kind == "bool":
        raise UnreadableError("a truth value has the wrong form")
    return _read(kind, raw)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message by number, numbers as int and all else as bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        size, at = _varint(data, at) if wire == LENGTH else (FIXED_SIZES.get(wire, len(data) + 1), at)
        if at + size > len(data):
            raise UnreadableError("it ends too early")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first; and where it ends."""
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at
    raise UnreadableError("it ends too early")
