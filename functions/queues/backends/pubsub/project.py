"""A Google Cloud project as the queue uses it: names of topics and subscriptions, and the clients that reach them.

The clients are the generated ones of google-cloud-pubsub, over gRPC; google-auth gives them the application default
credentials: a file, the metadata server, or workload identity federation. gRPC reads its own environment: a proxy from
`https_proxy` and `no_proxy` in lower case, other root certificates from GRPC_DEFAULT_SSL_ROOTS_FILE_PATH.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from grpc import insecure_channel

MAX_TEXT = 500
"""Characters of Google's message that an error repeats."""


class ProjectError(Exception):
    """Pub/Sub did not do as asked; the text names the topic or subscription and what to do."""


@dataclass(frozen=True)
class Project:
    """One project; names in it begin with `prefix`.

    `emulator` is the host:port of an emulator; if empty, PUBSUB_EMULATOR_HOST if that is set, else Google Cloud. Each
    client is made when it is first used, so that a forked server makes its own.
    """

    id: str
    prefix: str = ""
    emulator: str = ""

    def topic(self, name: str) -> str:
        """Return the full name of a topic."""
        return f"projects/{self.id}/topics/{self.prefix}{name}"

    def subscription(self, name: str) -> str:
        """Return the full name of a subscription."""
        return f"projects/{self.id}/subscriptions/{self.prefix}{name}"

    @property
    def emulated(self) -> str:
        """The host:port of the emulator; empty for Google Cloud."""
        return self.emulator or os.environ.get("PUBSUB_EMULATOR_HOST", "")

    @cached_property
    def publisher(self) -> PublisherClient:
        """The client that publishes and manages topics; raise GoogleAuthError without credentials."""
        if self.emulated:
            return PublisherClient(transport=PublisherGrpcTransport(channel=insecure_channel(self.emulated)))
        return PublisherClient()

    @cached_property
    def subscriber(self) -> SubscriberClient:
        """The client that pulls and manages subscriptions; raise GoogleAuthError without credentials."""
        if self.emulated:
            return SubscriberClient(transport=SubscriberGrpcTransport(channel=insecure_channel(self.emulated)))
        return SubscriberClient()


@contextmanager
def explained(what: str, role: str) -> Iterator[None]:
    """Raise ProjectError about `what` for each error of the client; `role` is the one that may be missing."""
    try:
        yield
    except exceptions.NotFound as error:
        raise ProjectError(f"{what} does not exist: create it with `orchestrator queues apply`") from error
    except (exceptions.PermissionDenied, exceptions.Unauthenticated) as error:
        raise ProjectError(f"{what}: not allowed; grant the caller {role}: {_text(error)}") from error
    except GoogleAuthError as error:
        raise ProjectError(f"{what}: no credentials for Google Cloud: {_text(error)}") from error
    except exceptions.GoogleAPIError as error:
        raise ProjectError(f"{what}: Pub/Sub did not do as asked: {_text(error)}") from error


def _text(error: Exception) -> str:
    return " ".join(str(error).split())[:MAX_TEXT] or type(error).__name__
