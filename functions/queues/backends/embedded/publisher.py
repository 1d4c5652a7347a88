"""Publishes to the embedded queue, in CloudEvents' binary mode over HTTP."""

import urllib3
from urllib3.exceptions import HTTPError

from functions.events.event import Event
from functions.events.http_binding import to_request
from functions.queues.publisher import PublishError

CALL_SECONDS = 10.0
"""Longest time to connect, and longest silence of the queue."""

KEPT_CONNECTIONS = 32
"""Connections kept open; functions-framework serves with 4 threads per processor."""

RETRY = urllib3.Retry(total=1, backoff_factor=0, allowed_methods=None)
"""A broken connection is tried once more: a server closes idle ones. The event may then be stored twice."""


class EmbeddedPublisher:
    """Publishes to the embedded queue at a URL; may be used from several threads."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(maxsize=KEPT_CONNECTIONS, retries=RETRY, timeout=CALL_SECONDS)

    def publish(self, topic: str, event: Event) -> None:
        """Return once the event is stored; raise PublishError."""
        headers, body = to_request(event)
        try:
            answer = self._pool.request("POST", f"{self._url}/topics/{topic}", body=body, headers=headers)
        except HTTPError as error:
            raise PublishError(f"topic {topic}: the queue at {self._url} did not answer: {error}") from error
        if answer.status != 200:
            raise PublishError(f"topic {topic}: the queue answered {answer.status}: {answer.data[:200]!r}")
