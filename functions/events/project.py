"""A Google Cloud project as the queue uses it: names of topics and subscriptions, and the clients that reach them.

The client library takes 0.3 s to import, so it is imported when a client is first asked for.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any


class ProjectError(Exception):
    """Pub/Sub did not do as asked; the text names what it was asked about and what to do."""


@dataclass(frozen=True)
class Project:
    """One project; names in it begin with `prefix`.

    `emulator` is the host:port of an emulator; empty: PUBSUB_EMULATOR_HOST if that is set, else Google Cloud.
    """

    id: str
    prefix: str = ""
    emulator: str = ""

    def topic(self, name: str) -> str:
        """The full name of a topic."""
        return f"projects/{self.id}/topics/{self.prefix}{name}"

    def subscription(self, name: str) -> str:
        """The full name of a subscription."""
        return f"projects/{self.id}/subscriptions/{self.prefix}{name}"

    @property
    def emulated(self) -> bool:
        """Whether it is an emulator's."""
        return bool(self.emulator or os.environ.get("PUBSUB_EMULATOR_HOST"))

    @cached_property
    def publisher(self) -> Any:
        """A `google.cloud.pubsub_v1.PublisherClient` that sends each message at once."""
        from google.cloud.pubsub_v1 import PublisherClient
        from google.cloud.pubsub_v1.types import BatchSettings, PublisherOptions
        from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

        options = PublisherOptions(enable_message_ordering=True)  # for messages that have a key
        return PublisherClient(BatchSettings(max_messages=1), options, **self._through(PublisherGrpcTransport))

    @cached_property
    def subscriber(self) -> Any:
        """A `google.cloud.pubsub_v1.SubscriberClient`."""
        from google.cloud.pubsub_v1 import SubscriberClient
        from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

        return SubscriberClient(**self._through(SubscriberGrpcTransport))

    def _through(self, transport: Any) -> dict[str, Any]:
        if not self.emulator:
            return {}
        from grpc import insecure_channel

        return {"transport": transport(channel=insecure_channel(self.emulator))}


@contextmanager
def explained(what: str, right: str) -> Iterator[None]:
    """Raises ProjectError in place of what goes wrong with `what`; `right` is the role that may be lacking."""
    from concurrent.futures import TimeoutError as TimedOut

    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except exceptions.NotFound as error:
        raise ProjectError(f"{what} is not there: make it with `orchestrator queues apply`") from error
    except (exceptions.PermissionDenied, exceptions.Unauthenticated) as error:
        raise ProjectError(f"{what}: not allowed; grant the caller {right}: {error}") from error
    except GoogleAuthError as error:
        raise ProjectError(f"{what}: no credentials for Google Cloud: {error}") from error
    except (exceptions.GoogleAPIError, TimedOut) as error:
        raise ProjectError(f"{what}: Pub/Sub did not do as asked: {error or type(error).__name__}") from error


def retry(seconds: float) -> Any:
    """Repeats calls for so long that failed for a reason that passes, with back-off."""
    from google.api_core import exceptions
    from google.api_core.retry import Retry, if_exception_type

    passing = (
        exceptions.Aborted,
        exceptions.DeadlineExceeded,
        exceptions.InternalServerError,
        exceptions.ResourceExhausted,
        exceptions.ServiceUnavailable,
        exceptions.Unknown,
    )
    return Retry(if_exception_type(*passing), initial=0.1, maximum=2.0, timeout=seconds)
