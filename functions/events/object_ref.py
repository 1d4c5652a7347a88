"""The Kubernetes object that a watch event is about.

An event can come from anyone who may publish. Nothing in it is trusted until it was checked here: the names, and by
`parse_object` the rest.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from functions.events.event import REFERENCE, RESOURCE, Event, MalformedError

Parsed = TypeVar("Parsed")

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""Kubernetes: Object names and IDs, RFC 1123 label names."""
_NAME = re.compile(r"(?!\.{1,2}$)[^/%?#]{1,253}")
"""Kubernetes: Object names and IDs, path segment names."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """The object of a watch event.

    `snapshot` is the object as the event shows it, which may be older than the API server's; None if the event only
    names the object.
    """

    kind: str
    namespace: str
    name: str
    deleted: bool
    snapshot: Mapping[str, Any] | None


def object_ref(event: Event) -> ObjectRef | None:
    """Return the object of a watch event; None for an event of another type.

    Raises:
        MalformedError: the event has the type of a watch event but not its data.
    """
    for prefix in (RESOURCE, REFERENCE):
        if event.type.startswith(prefix):
            return _object_ref(event, is_whole=prefix == RESOURCE)
    return None


def parse_object(raw: Mapping[str, Any], parse: Callable[[Mapping[str, Any]], Parsed]) -> Parsed:
    """Return what `parse` reads from an object of a watch event.

    Raises:
        MalformedError: no API server can have written the object.
    """
    try:
        return parse(raw)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise MalformedError(("data", f"is not a {raw.get('kind')}: {error!r}")) from None


def _object_ref(event: Event, *, is_whole: bool) -> ObjectRef:
    if not isinstance(event.data, Mapping):
        raise MalformedError(("data", "must be a JSON object"))
    metadata = event.data.get("metadata") if is_whole else event.data
    if not isinstance(metadata, Mapping):
        raise MalformedError(("data.metadata", "must be an object"))
    named = {"kind": event.data.get("kind"), "name": metadata.get("name"), "namespace": metadata.get("namespace")}
    missing = [
        (f"data.{field}", "is required") for field, text in named.items() if not (text and isinstance(text, str))
    ]
    if missing:
        raise MalformedError(*missing)
    kind, name, namespace = (str(text) for text in named.values())
    wrong = [f"data.{field}" for field, is_valid in _checks(metadata, name, namespace) if not is_valid]
    if wrong:
        raise MalformedError(*((field, "is not that of a Kubernetes object") for field in wrong))
    return ObjectRef(
        kind=kind,
        namespace=namespace,
        name=name,
        deleted=event.type.endswith(".delete"),
        snapshot=event.data if is_whole else None,
    )


def _checks(metadata: Mapping[str, Any], name: str, namespace: str) -> Iterator[tuple[str, bool]]:
    """Yield each field that is checked, and whether it is valid."""
    yield "name", bool(_NAME.fullmatch(name))
    yield "namespace", bool(_NAMESPACE.fullmatch(namespace))
    for field in ("labels", "annotations"):
        texts = metadata.get(field) or {}
        yield f"metadata.{field}", isinstance(texts, Mapping) and all(isinstance(text, str) for text in texts.values())
    owners = metadata.get("ownerReferences") or []
    yield "metadata.ownerReferences", isinstance(owners, list) and all(isinstance(owner, Mapping) for owner in owners)
