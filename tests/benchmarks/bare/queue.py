"""Publishes CloudEvents with the libraries directly: urllib3 to the embedded queue, google-cloud-pubsub to Pub/Sub."""

import os
from typing import Any, Protocol

import urllib3
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent

CONNECTIONS = 32
"""The number of connections that the product keeps open."""


class Queue(Protocol):
    """Where events are published."""

    def publish(self, topic: str, event: CloudEvent) -> None:
        """Return once the event is stored."""
        ...


class EmbeddedQueue:
    """The embedded queue at a URL."""

    def __init__(self, url: str) -> None:
        self._url, self._pool = url, urllib3.PoolManager(maxsize=CONNECTIONS)

    def publish(self, topic: str, event: CloudEvent) -> None:
        """Return once the event is stored."""
        headers, body = to_binary(event)
        answer = self._pool.request("POST", f"{self._url}/topics/{topic}", body=body, headers=headers)
        assert answer.status == 200, answer.data


class PubsubQueue:
    """The topics of a project on the Pub/Sub emulator."""

    def __init__(self, project: str) -> None:
        from google.pubsub_v1.services.publisher import PublisherClient  # loads gRPC: only if Pub/Sub is the queue
        from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
        from grpc import insecure_channel

        channel = insecure_channel(os.environ["PUBSUB_EMULATOR_HOST"])
        self._project = project
        self._client: Any = PublisherClient(transport=PublisherGrpcTransport(channel=channel))

    def publish(self, topic: str, event: CloudEvent) -> None:
        """Return once the event is stored."""
        attributes, data = to_binary(event)
        message = {"data": data, "attributes": attributes}
        self._client.publish(topic=f"projects/{self._project}/topics/{topic}", messages=[message])


def connect(url: str, project: str) -> Queue:
    """Return the queue of the project if one is named, else the queue at the URL."""
    return PubsubQueue(project) if project else EmbeddedQueue(url)
