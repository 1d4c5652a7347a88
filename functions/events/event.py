"""The one form in which a handler gets an event, whatever envelope it came in, and what a watch event hints at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RESOURCE = "dev.knative.apiserver.resource."
REFERENCE = "dev.knative.apiserver.ref."
DOCS_REQUESTED = "platform.agents.docs.requested.v1"
CODE_REQUESTED = "platform.agents.code.requested.v1"
GITHUB_EVENT = "platform.agents.github."
"""Begins the type of what GitHub delivered: this, GitHub's name of the event, `.v1`."""
SWEEP_DUE = "platform.agents.sweep.due.v1"
RETENTION_DUE = "platform.agents.retention.due.v1"
PLAIN_MESSAGE = "google.cloud.pubsub.topic.v1.messagePublished"
"""A Pub/Sub message that is no CloudEvent: its data is plain JSON. Eventarc's type for any message of Pub/Sub."""


@dataclass(frozen=True, slots=True)
class Event:
    """A CloudEvent: `data` is decoded JSON, or None.

    Events of one `key` are delivered in order where a subscription is ordered (CloudEvents, Partitioning extension).
    `trace` is the traceparent of what led to it (Distributed Tracing extension), as it came.
    """

    id: str
    source: str
    type: str
    subject: str
    data: Any
    key: str = ""
    trace: str = ""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """What a watch event is about. `seen` is the object as the event shows it; it may be older than the truth."""

    kind: str
    namespace: str
    name: str
    deleted: bool
    seen: Mapping[str, Any] | None


class MalformedError(Exception):
    """What arrived cannot be understood; `problems` are (field, what is wrong)."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {why}" for field, why in problems))
        self.problems = problems


def object_ref(event: Event) -> ObjectRef | None:
    """What a watch event is about; None for an event of another kind.

    Raises:
        MalformedError: it has the type of a watch event but not its data.
    """
    for prefix in (RESOURCE, REFERENCE):
        if event.type.startswith(prefix):
            return _hint(event, whole=prefix == RESOURCE)
    return None


def _hint(event: Event, *, whole: bool) -> ObjectRef:
    if not isinstance(event.data, Mapping):
        raise MalformedError(("data", "must be a JSON object"))
    place = event.data.get("metadata") if whole else event.data
    if not isinstance(place, Mapping):
        raise MalformedError(("data.metadata", "must be an object"))
    named = {"kind": event.data.get("kind"), "name": place.get("name"), "namespace": place.get("namespace")}
    absent = [(f"data.{field}", "is required") for field, text in named.items() if not (text and isinstance(text, str))]
    if absent:
        raise MalformedError(*absent)
    return ObjectRef(
        kind=str(named["kind"]),
        namespace=str(named["namespace"]),
        name=str(named["name"]),
        deleted=event.type.endswith(".delete"),
        seen=event.data if whole else None,
    )
