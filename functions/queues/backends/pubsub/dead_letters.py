"""Dead letters on Pub/Sub: pulled from the subscription of the dead-letter topic, and released unless dealt with.

Pub/Sub cannot list what a subscription holds. Pulling everything and releasing it comes close: messages that another
client holds at that moment are missing. Pub/Sub does not record why a delivery failed; the run's reason does, or the
logs, by the message's id.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from google.api_core.exceptions import DeadlineExceeded

from functions.events.event import Event, MalformedError
from functions.events.pubsub_binding import from_message
from functions.events.receive import resolved
from functions.queues.backends.pubsub.project import Project, ProjectError, explained
from functions.queues.backends.pubsub.publisher import PubsubPublisher
from functions.queues.dead_letters import DeadLetter, DeadLetterError, run_of
from functions.queues.publisher import PublishError
from functions.queues.topology import dead_letter_topic

ROLE = "roles/pubsub.subscriber"
PULL_SECONDS = 3.0
"""How long a pull waits for messages; an empty subscription is known only after that."""
EMULATED_SECONDS = 0.5
"""The same for an emulator."""
BATCH = 500
MAX_LETTERS = 10_000
"""Most letters that one command looks at."""

_MARK = "CloudPubSubDeadLetterSource"
"""Prefix of the attributes that Pub/Sub adds to a dead letter (Dead-letter topics: Track delivery attempts)."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """One message that this process holds until it acknowledges `ack_id` or releases it."""

    ack_id: str
    message_id: str
    data: bytes
    attributes: Mapping[str, str]


class PubsubDeadLetters:
    """The dead letters of a project's topics."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._timeout = EMULATED_SECONDS if project.emulated else PULL_SECONDS
        self._publisher = PubsubPublisher(project)

    def list(self, topic: str) -> Sequence[DeadLetter]:
        """Return the dead letters of a topic, oldest first; raise DeadLetterError."""
        with self._held(topic) as (held, _):
            return [_letter(topic, pulled) for pulled in held]

    def replay(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Publish these on their topic again, then remove them, and return the ids that were found.

        Raises:
            DeadLetterError: Pub/Sub did not do as asked.
        """

        def publish_again(letter: Pulled) -> None:
            kept = {name: text for name, text in letter.attributes.items() if not name.startswith(_MARK)}
            try:
                self._publisher.publish_message(topic, letter.data, kept)
            except PublishError as error:
                raise DeadLetterError(str(error)) from error

        return self._remove(topic, ids, publish_again)

    def drop(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Delete these and return the ids that were found; raise DeadLetterError."""
        return self._remove(topic, ids, lambda _: None)

    def _remove(self, topic: str, ids: Sequence[str], first: Callable[[Pulled], None]) -> Sequence[str]:
        with self._held(topic) as (held, acknowledge):
            for letter in held:
                if letter.message_id in ids:
                    first(letter)
                    acknowledge(letter)
            return [wanted for wanted in ids if any(letter.message_id == wanted for letter in held)]

    @contextmanager
    def _held(self, topic: str) -> Iterator[tuple[Sequence[Pulled], Callable[[Pulled], None]]]:
        """Yield every letter and a function that acknowledges one; release the others at the end."""
        path = self._project.subscription(dead_letter_topic(topic))
        try:
            with explained(path, ROLE):
                client = self._project.subscriber
                held = {pulled.ack_id: pulled for pulled in self._pull(path)}

                def acknowledge(letter: Pulled) -> None:
                    client.acknowledge(subscription=path, ack_ids=[letter.ack_id])
                    del held[letter.ack_id]

                try:
                    yield list(held.values()), acknowledge
                finally:
                    for ack_ids in _batches(list(held)):
                        client.modify_ack_deadline(subscription=path, ack_ids=ack_ids, ack_deadline_seconds=0)
        except ProjectError as error:
            raise DeadLetterError(str(error)) from error

    def _pull(self, path: str) -> Iterator[Pulled]:
        count = 0
        while count < MAX_LETTERS:
            try:
                request = {"subscription": path, "max_messages": BATCH}
                answer = self._project.subscriber.pull(request=request, timeout=self._timeout, retry=None)
            except DeadlineExceeded:
                return
            if not answer.received_messages:
                return
            for received in answer.received_messages:
                count += 1
                message = received.message
                yield Pulled(received.ack_id, message.message_id, message.data, dict(message.attributes))


def _batches(items: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _letter(topic: str, pulled: Pulled) -> DeadLetter:
    event = _event(pulled)
    return DeadLetter(
        topic=topic,
        id=pulled.message_id,
        message_id=pulled.message_id,
        subscription=pulled.attributes.get(f"{_MARK}Subscription", ""),
        attempts=pulled.attributes.get(f"{_MARK}DeliveryCount", ""),
        reason="",
        event_id=event.id,
        event_type=event.type,
        run=run_of(event),
    )


def _event(pulled: Pulled) -> Event:
    """Return the event in the message; for one that cannot be read, what its attributes say."""
    try:
        return resolved(from_message(pulled.data, pulled.attributes, pulled.message_id, "", "data"))
    except MalformedError:
        shown = {name: pulled.attributes.get(f"ce-{name}", "") for name in ("id", "source", "type", "subject")}
        return Event(**shown, data=None)
