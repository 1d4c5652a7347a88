"""The connection to NATS, and the errors of its client in our words."""

import asyncio
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nats.aio.client import Client
from nats.errors import (
    ConnectionClosedError,
    ConnectionDrainingError,
    Error,
    MaxPayloadError,
    NoRespondersError,
    OutboundBufferLimitError,
)
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError, ServerError, ServiceUnavailableError

from functions.settings.nats import NatsSettings

log = logging.getLogger("orchestrator")

CONNECT_SECONDS = 5
"""Longest time for one attempt to connect."""

ALL_SERVERS_SECONDS = 10.0
"""Longest time to find a server that has us."""

RECONNECT_SECONDS = 1
"""Pause between two attempts at the same server."""

CALL_SECONDS = 5.0
"""Longest time for one request."""

PENDING_BYTES = 16 * 1024 * 1024
"""Bytes kept for a server that is away, before a publish fails at once; a message has at most some megabytes."""


KEPT_TEXTS = 8
"""Texts of errors that are remembered, so that each is logged once; many differ in a port or an id."""


class NatsError(Exception):
    """NATS did not do as asked; the text says what, why, and what to do."""


class NatsUnavailableError(NatsError):
    """The same request may succeed later."""


async def connect(settings: NatsSettings, name: str) -> Client:
    """Return a connection that is kept up from now on; `name` is shown in the server's monitoring.

    Each server is tried, for at most ALL_SERVERS_SECONDS together.

    Raises:
        NatsError: a file of the settings cannot be read.
        NatsUnavailableError: no server could be reached, or none would have us.
    """
    client, errors = Client(), _Errors()
    options = _options(settings)
    try:
        connecting = client.connect(
            settings.servers,
            error_cb=errors.note,
            reconnected_cb=errors.forget,
            name=name,
            connect_timeout=CONNECT_SECONDS,
            reconnect_time_wait=RECONNECT_SECONDS,
            max_reconnect_attempts=1,
            pending_size=PENDING_BYTES,
            **options,
        )
        await asyncio.wait_for(connecting, ALL_SERVERS_SECONDS)  # nats-py 2.16 waits for ever after a failed handshake
    except (Error, OSError, TimeoutError) as error:
        reasons = "; ".join(errors.texts or [explanation(error)])  # a refusal stands, whatever follows it
        raise NatsUnavailableError(f"{', '.join(settings.servers)}: {reasons}") from error
    errors.texts.clear()
    client.options["max_reconnect_attempts"] = -1  # from now on it comes back by itself
    return client


class _Errors:
    """The last errors of one client since it was connected: each is logged once, not at every attempt to connect."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def note(self, error: Exception) -> None:
        if (text := explanation(error)) not in self.texts:
            self.texts = [*self.texts, text][-KEPT_TEXTS:]
            log.warning("NATS: %s", text)

    async def forget(self) -> None:
        self.texts.clear()
        log.info("NATS: connected again")


_RETRYABLE = (
    ConnectionClosedError,
    ConnectionDrainingError,
    NoRespondersError,
    NoStreamResponseError,  # the subject has no subscriber; also while servers elect the stream's leader
    OSError,
    OutboundBufferLimitError,
    ServerError,
    ServiceUnavailableError,
    TimeoutError,
)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Raise NatsError about `what` for each error of the client."""
    try:
        yield
    except NotFoundError as error:
        raise NatsError(f"{what} does not exist: create it with `orchestrator queues apply`") from error
    except MaxPayloadError as error:
        raise NatsError(f"{what}: the message is too large: raise max_payload of the NATS servers") from error
    except _RETRYABLE as error:
        raise NatsUnavailableError(f"{what}: {explanation(error)}") from error
    except Error as error:
        raise NatsError(f"{what}: {explanation(error)}") from error


def explanation(error: Exception) -> str:
    """Return the client's error in one line."""
    match error:
        case Error() if "authorization violation" in str(error).lower():
            return "the server refuses the credentials: check queues.nats (credentials_file, user, token)"
        case ServiceUnavailableError() | NoRespondersError():
            return "JetStream does not answer: is it enabled on the servers, and is a majority of them up?"
        case NoStreamResponseError():
            return "no server takes its messages: run `orchestrator queues apply`, and check that most servers are up"
        case APIError(description=str(description)):
            return f"NATS did not do as asked: {description}"
        case ConnectionResetError():
            return "the server closed the connection: its log says why; it may refuse the credentials of queues.nats"
        case TimeoutError():
            return "no answer in time"
    return " ".join(str(error).split()) or type(error).__name__


def _options(settings: NatsSettings) -> dict[str, Any]:
    try:
        return _credentials(settings) | _encryption(settings)
    except OSError as error:
        raise NatsError(f"setting queues.nats: cannot read {error.filename}: {error.strerror}") from error
    except ValueError as error:
        raise NatsError(f"setting queues.nats: {error}") from error


def _credentials(settings: NatsSettings) -> dict[str, Any]:
    if settings.credentials_file:
        settings.credentials_file.read_bytes()  # so that the error names the setting
        return {"user_credentials": str(settings.credentials_file)}
    if settings.user:
        file = settings.password_file
        password = file.read_text().strip() if file else settings.password.get_secret_value()
        return {"user": settings.user, "password": password}
    token = settings.token.get_secret_value()
    return {"token": token} if token else {}


def _encryption(settings: NatsSettings) -> dict[str, Any]:
    if not settings.encrypted:
        return {}
    for file in (settings.ca_file, settings.certificate_file, settings.key_file):
        if file:
            file.read_bytes()  # so that the error names it
    context = ssl.create_default_context(cafile=settings.ca_file)  # nats-py takes certificates in no other form
    if settings.certificate_file and settings.key_file:
        context.load_cert_chain(settings.certificate_file, settings.key_file)
    return {"tls": context}
