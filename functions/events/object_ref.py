"""The Kubernetes object that a watch event is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.events.event import REFERENCE, RESOURCE, Event, MalformedError


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
    return ObjectRef(
        kind=str(named["kind"]),
        namespace=str(named["namespace"]),
        name=str(named["name"]),
        deleted=event.type.endswith(".delete"),
        snapshot=event.data if is_whole else None,
    )
