"""Publishes to Google Pub/Sub: an event becomes one message (CloudEvents: Google Cloud Pub/Sub Protocol Binding).

The synchronous `publish` of the generated client is used, not the batching one, because an event must be stored before
the function answers.
"""

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.api_core.timeout import ConstantTimeout
from google.pubsub_v1.types import PublishRequest

from functions.events.event import Event
from functions.events.pubsub_binding import to_message
from functions.queues.backends.pubsub.project import Project, ProjectError, explained
from functions.queues.publisher import PublishError

ROLE = "roles/pubsub.publisher"

CALL_TIMEOUT = ConstantTimeout(5.0)  # type: ignore[no-untyped-call]
"""Seconds that one call may take."""

RETRY_SECONDS = 10.0
"""How long a call is repeated: a caller holds a message whose ack deadline is 60 s, and GitHub waits no longer."""

RETRIED = if_exception_type(
    exceptions.Aborted,
    exceptions.Cancelled,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.ServiceUnavailable,
    exceptions.Unknown,
)
"""Errors that may pass (Pub/Sub: Error codes)."""

MAX_REQUEST = 10 * 1024 * 1024
"""Bytes of a publish request (Pub/Sub: Quotas and limits)."""


class PubsubPublisher:
    """Publishes to the topics of a project, repeating each call for at most `seconds`."""

    def __init__(self, project: Project, seconds: float = RETRY_SECONDS) -> None:
        self._project = project
        self._retry = Retry(RETRIED, initial=0.1, maximum=2.0, multiplier=2.0, timeout=seconds)

    def publish(self, topic: str, event: Event) -> None:
        """Return once the event is stored; raise PublishError."""
        self.publish_message(topic, *to_message(event))

    def publish_message(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        """Return once a message is stored; raise PublishError."""
        path = self._project.topic(topic)
        request = PublishRequest(topic=path, messages=[{"data": data, "attributes": attributes}])
        size = PublishRequest.pb(request).ByteSize()
        if size > MAX_REQUEST:
            raise PublishError(f"{path}: the message is too large: {size} bytes, of at most {MAX_REQUEST}")
        try:
            with explained(path, ROLE):
                self._project.publisher.publish(request=request, retry=self._retry, timeout=CALL_TIMEOUT)
        except ProjectError as error:
            raise PublishError(str(error)) from error
