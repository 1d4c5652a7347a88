"""Publishing to Google Pub/Sub.

An event becomes a message by the protocol binding (CloudEvents, Google Cloud Pub/Sub Protocol Binding, binary mode):
its attributes as the message's attributes `ce-*`, its data as the message's data. It is sent by one POST (Pub/Sub:
REST method projects.topics.publish).
"""

import json
from base64 import b64encode
from collections.abc import Callable
from functools import cached_property, partial
from urllib.parse import quote

from functions.events.event import Event
from functions.events.pubsub_binding import to_message
from functions.identity import google
from functions.queues.publisher import PublishError
from functions.queues.pubsub.project import Project, ProjectError, failed
from functions.queues.pubsub.rest import LONGEST_SECONDS, Patience, Service

URL = "https://pubsub.googleapis.com"

RIGHT = "roles/pubsub.publisher"

LARGEST_REQUEST = 10 * 1024 * 1024
"""Bytes, of which data take four for every three of theirs: what Pub/Sub takes in a request (Quotas and limits)."""


class PubsubPublisher:
    """Publishes to the topics of a project, in at most `seconds` an event. Calls nobody until the first event."""

    def __init__(
        self, project: Project, seconds: float = LONGEST_SECONDS, connect: Callable[[Project], Service] | None = None
    ) -> None:
        """`connect` in place of what finds the service that the project is at."""
        self._project = project
        self._connect = connect or partial(service, patience=Patience(seconds))

    def publish(self, topic: str, event: Event) -> None:
        """Returns once the event is stored. Raises PublishError."""
        self.publish_message(topic, *to_message(event), event.key)

    def publish_message(self, topic: str, data: bytes, given: dict[str, str], key: str = "") -> None:
        """The same for a message as it is; `key` is its ordering key. Raises PublishError."""
        path = self._project.topic(topic)
        message = {"data": b64encode(data).decode(), "attributes": given, "orderingKey": key}
        body = json.dumps({"messages": [message]}).encode()
        if len(body) > LARGEST_REQUEST:
            raise PublishError(f"{path}: the message is too large: {len(body)} bytes, of at most {LARGEST_REQUEST}")
        try:
            found = self._service.post(f"/v1/{quote(path, safe='/:')}:publish", path, RIGHT, body)
        except ProjectError as error:
            raise PublishError(str(error)) from error
        if not found.get("messageIds"):
            raise PublishError(failed(path, "it answered without the message's id"))

    @cached_property
    def _service(self) -> Service:
        return self._connect(self._project)


def service(project: Project, patience: Patience) -> Service:
    """Pub/Sub as the project has it: an emulator, which asks nobody who he is, or Google Cloud's."""
    if project.emulated:
        return Service(f"http://{project.emulated}", None, patience)
    return Service(URL, google(), patience)
