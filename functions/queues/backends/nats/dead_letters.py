"""Dead letters on NATS: the messages of the stream of each dead-letter topic, put there by the dispatcher."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from nats.aio.client import Client
from nats.js.api import Header, RawStreamMsg
from nats.js.errors import NotFoundError

from functions.events.event import Event, MalformedError
from functions.events.nats_binding import to_request
from functions.events.receive import receive
from functions.queues.backends.nats.connection import NatsError, connect, explained
from functions.queues.backends.nats.names import Names
from functions.queues.dead_letters import DeadLetter, DeadLetterError, run_of
from functions.queues.topology import dead_letter_topic
from functions.settings.nats import NatsSettings

_SUBSCRIPTION, _ATTEMPTS, _REASON, _MESSAGE = (
    f"Orchestrator-{name}" for name in ("Subscription", "Attempts", "Reason", "Message")
)
"""Headers that the dispatcher adds to a dead letter; values are percent-encoded."""

MAX_LETTERS = 10_000
"""Most letters that one command looks at."""

Result = TypeVar("Result")
Use = Callable[[Client], Coroutine[Any, Any, Result]]


def headers_of(
    message_headers: Mapping[str, str], subscription: str, attempts: int, reason: str, message: str
) -> dict[str, str]:
    """Return the headers of the dead letter for a message with these headers."""
    why = {_SUBSCRIPTION: subscription, _ATTEMPTS: str(attempts), _REASON: reason, _MESSAGE: message}
    return {**_own(message_headers), **{name: quote(text) for name, text in why.items()}}


class NatsDeadLetters:
    """The dead letters of one installation. A letter's id is its sequence number in the stream."""

    def __init__(self, settings: NatsSettings, prefix: str = "") -> None:
        self._settings, self._names = settings, Names(prefix)

    def list(self, topic: str) -> Sequence[DeadLetter]:
        """Return the dead letters of a topic, oldest first; raise DeadLetterError."""

        async def every(client: Client) -> list[DeadLetter]:
            return [_letter(topic, message) async for message in self._messages(client, topic)]

        return self._run(every)

    def replay(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Publish these on their topic again, then delete them, and return the ids that were found.

        Raises:
            DeadLetterError: NATS did not do as asked.
        """

        async def publish_again(client: Client, message: RawStreamMsg) -> None:
            stream = self._names.stream(topic)
            headers = _own(message.headers or {})
            headers[Header.MSG_ID] = f"replay {self._names.stream(dead_letter_topic(topic))} {message.seq}"
            with explained(f"stream {stream}"):
                await client.jetstream().publish(
                    self._names.subject(topic), message.data or b"", stream=stream, headers=headers
                )

        return self._remove(topic, ids, publish_again)

    def drop(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Delete these and return the ids that were found; raise DeadLetterError."""

        async def nothing(_client: Client, _message: RawStreamMsg) -> None:
            return None

        return self._remove(topic, ids, nothing)

    def _remove(
        self, topic: str, ids: Sequence[str], first: Callable[[Client, RawStreamMsg], Awaitable[None]]
    ) -> Sequence[str]:
        stream = self._names.stream(dead_letter_topic(topic))

        async def remove(client: Client) -> list[str]:
            letters = []
            for letter in (each for each in ids if each.isdecimal()):
                with explained(f"stream {stream}"):
                    try:
                        message = await client.jetstream().get_msg(stream, int(letter))
                        await first(client, message)
                        await client.jetstream().delete_msg(stream, int(letter))
                    except NotFoundError:
                        await client.jetstream().stream_info(stream)  # raises if it is the stream that is missing
                        continue
                letters.append(letter)
            return letters

        return self._run(remove)

    async def _messages(self, client: Client, topic: str) -> AsyncIterator[RawStreamMsg]:
        dead = dead_letter_topic(topic)
        stream, subject, streams = self._names.stream(dead), self._names.subject(dead), client.jetstream()
        with explained(f"stream {stream}"):
            following = (await streams.stream_info(stream)).state.first_seq
            for _ in range(MAX_LETTERS):
                try:
                    message = await streams.get_msg(stream, max(following, 1), subject=subject, next=True)
                except NotFoundError:  # none after it
                    return
                yield message
                following = (message.seq or 0) + 1

    def _run(self, use: Use[Result]) -> Result:
        """Return what `use` makes of a connection of its own; raise DeadLetterError."""

        async def connected() -> Result:
            client = await connect(self._settings, "orchestrator-dead-letters")
            try:
                return await use(client)
            finally:
                await client.close()

        try:
            return asyncio.run(connected())
        except NatsError as error:
            raise DeadLetterError(str(error)) from error


def _own(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that the message was published with, without those of NATS and of the dispatcher."""
    return {name: text for name, text in headers.items() if not name.lower().startswith(("nats-", "orchestrator-"))}


def _letter(topic: str, message: RawStreamMsg) -> DeadLetter:
    headers = message.headers or {}
    event = _event(headers, message.data or b"")
    return DeadLetter(
        topic=topic,
        id=str(message.seq),
        message_id=unquote(headers.get(_MESSAGE, "")),
        subscription=unquote(headers.get(_SUBSCRIPTION, "")),
        attempts=headers.get(_ATTEMPTS, ""),
        reason=unquote(headers.get(_REASON, "")),
        event_id=event.id,
        event_type=event.type,
        run=run_of(event),
    )


def _event(headers: Mapping[str, str], payload: bytes) -> Event:
    """Return the event in the message; for one that cannot be read, what its headers say."""
    lower, body = to_request(headers, payload)
    try:
        return receive(lower, body).event()
    except MalformedError:
        shown = {name: unquote(lower.get(f"ce-{name}", "")) for name in ("id", "source", "type", "subject")}
        return Event(**shown, data=None)
