"""Publishing to Google Pub/Sub.

An event becomes a message by the protocol binding (CloudEvents, Google Cloud Pub/Sub Protocol Binding, binary mode):
its attributes as the message's attributes `ce-*`, its data as the message's data.
"""

import json

from functions.events.event import Event
from functions.events.project import Project, ProjectError, explained, retry
from functions.events.publisher import PublishError

CALL_SECONDS = 5.0
"""Longest one call may take."""
LONGEST_SECONDS = 10.0
"""How long calls are repeated, with back-off; a caller holds a message whose ack deadline is 60 s."""


class PubsubPublisher:
    """Publishes to the topics of a project, in at most `seconds` an event. Calls nobody until the first event."""

    def __init__(self, project: Project, seconds: float = LONGEST_SECONDS) -> None:
        self._project = project
        self._seconds = seconds

    def publish(self, topic: str, event: Event) -> None:
        """Returns once the event is stored. Raises PublishError."""
        data = b"" if event.data is None else json.dumps(event.data).encode()
        self.publish_message(topic, data, attributes(event), event.key)

    def publish_message(self, topic: str, data: bytes, given: dict[str, str], key: str = "") -> None:
        """The same for a message as it is; `key` is its ordering key. Raises PublishError."""
        path = self._project.topic(topic)
        try:
            with explained(path, "roles/pubsub.publisher"):
                sent = self._project.publisher.publish(
                    path, data, key, retry=retry(0.8 * self._seconds), timeout=CALL_SECONDS, **given
                )
                sent.result(timeout=self._seconds)
        except (ProjectError, ValueError) as error:  # ValueError: longer than a message may be
            if key:  # the client refuses a key after a failure, until it is told to go on
                self._project.publisher.resume_publish(path, key)
            raise PublishError(f"{path}: {error}" if isinstance(error, ValueError) else str(error)) from error


def attributes(event: Event) -> dict[str, str]:
    """The attributes of an event's message, as they are: nothing in them is encoded."""
    found = {"ce-specversion": "1.0", "ce-id": event.id, "ce-source": event.source, "ce-type": event.type}
    if event.subject:
        found["ce-subject"] = event.subject
    if event.key:
        found["ce-partitionkey"] = event.key
    if event.trace:
        found["ce-traceparent"] = event.trace
    return found | {"content-type": "application/json"}
