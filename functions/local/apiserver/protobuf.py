"""Protobuf request bodies, which `kubectl create secret|configmap|namespace` sends.

Only these kinds are supported, and responses are always JSON, which kubectl accepts too. Messages are decoded with the
tables below; their field numbers are those of generated.proto in k8s.io/api and k8s.io/apimachinery. The wire format
is described at protobuf.dev, "Encoding".
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
    """The body is not a message of a supported kind, or has an unknown field."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message; for a `map`, `type` is the type of its values, and its keys are strings."""

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
    """Return the object in a body in its JSON form; raise UnreadableError."""
    if not body.startswith(MAGIC):
        raise UnreadableError("it does not begin with the prefix of Kubernetes' protobuf encoding")
    envelope = _read(ENVELOPE, body[len(MAGIC) :])
    kind = envelope.get("type", {}).get("kind", "")
    if kind not in MESSAGES:
        raise UnreadableError(f"kind {kind!r} is not supported as protobuf")
    return {**envelope["type"], **_read(MESSAGES[kind], base64.b64decode(envelope.get("raw", "")))}


def _read(message: Message, data: bytes) -> Obj:
    decoded: Obj = {}
    for number, raw in _fields(data):
        field = message.get(number)
        if field is None and not raw:
            continue  # kubectl also sends empty fields
        if field is None:
            raise UnreadableError(f"field number {number} is not supported")
        value = _map_entry(field, raw) if field.many == "map" else _value(field.type, raw)
        if field.many == "map":
            decoded.setdefault(field.name, {}).update(value)
        elif field.many == "list":
            decoded.setdefault(field.name, []).append(value)
        elif value not in ("", {}):
            decoded[field.name] = value
    return decoded


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
        raise UnreadableError("a boolean is not encoded as a varint")
    return _read(kind, raw)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a message with their numbers; varints as int, all others as bytes."""
    offset = 0
    while offset < len(data):
        tag, offset = _varint(data, offset)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, offset = _varint(data, offset)
            yield number, value
            continue
        size, offset = _varint(data, offset) if wire == LENGTH else (FIXED_SIZES.get(wire, len(data) + 1), offset)
        if offset + size > len(data):
            raise UnreadableError("the message is truncated")
        yield number, data[offset : offset + size]
        offset += size


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    """Return the number at an offset, in groups of seven bits, lowest first, and the offset of its end."""
    value = shift = 0
    while offset < len(data):
        value |= (data[offset] & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if data[offset - 1] < 0x80:
            return value, offset
    raise UnreadableError("the message is truncated")
