"""The CloudEvent that functions receive and publish, and the event types they know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudevents.abstract import CloudEvent

RESOURCE = "dev.knative.apiserver.resource."
"""Prefix of the types of watch events that carry the whole object (Knative: ApiServerSource, mode Resource)."""
REFERENCE = "dev.knative.apiserver.ref."
"""Prefix of the types of watch events that carry an ObjectReference (mode Reference)."""
GITHUB_EVENT = "platform.agents.github."
"""Prefix of the type of a GitHub delivery, before GitHub's name of the event and `.v1`."""
SWEEP_DUE = "platform.agents.sweep.due.v1"
RETENTION_DUE = "platform.agents.retention.due.v1"
PLAIN_MESSAGE = "google.cloud.pubsub.topic.v1.messagePublished"
"""Type of a Pub/Sub message that is not a CloudEvent: its data is plain JSON. Eventarc uses it for every message."""

SPEC_VERSION = "1.0"
JSON = "application/json"


def requested(word: str) -> str:
    """Return the type of the events that request a run of the kind with that word, such as `docs`."""
    return f"platform.agents.{word}.requested.v1"


@dataclass(frozen=True, slots=True)
class Event(CloudEvent):
    """A CloudEvent of the SDK with its attributes as fields.

    `data` is decoded JSON or None. `trace` is the traceparent of the cause (Distributed Tracing extension). Other
    attributes of a received event are dropped.
    """

    id: str
    source: str
    type: str
    subject: str
    data: Any
    trace: str = ""

    @classmethod
    def create(cls, attributes: Mapping[str, Any], data: Any) -> "Event":
        """Return the event with these attributes and data, as the SDK reads it."""
        subject, trace = (attributes.get(name) for name in ("subject", "traceparent"))
        return cls(
            id=attributes["id"],
            source=attributes["source"],
            type=attributes["type"],
            subject=subject if isinstance(subject, str) else "",
            data=data,
            trace=trace if isinstance(trace, str) else "",
        )

    def get_data(self) -> Any:
        """Return the data, as the SDK writes it."""
        return self.data

    def _get_attributes(self) -> dict[str, Any]:
        required = {"id": self.id, "source": self.source, "type": self.type, "specversion": SPEC_VERSION}
        optional = {"subject": self.subject, "traceparent": self.trace}
        given = {name: text for name, text in optional.items() if text}
        return {**required, "datacontenttype": JSON, **given}


class MalformedError(Exception):
    """The request cannot be understood; `problems` are pairs of a field and what is wrong with it."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {why}" for field, why in problems))
        self.problems = problems
