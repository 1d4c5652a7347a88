"""Dead letters on Pub/Sub: pulled from the subscription of the dead-letter topic, and put back unless dealt with.

Pub/Sub has no list of what a subscription holds. Pulling it empty and giving everything back comes close: what
somebody else holds at that moment is missing. It does not tell why a delivery failed; the run's reason does, or the
logs, by the message's id.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from functions.events.event import Event, MalformedError
from functions.events.pubsub_binding import from_message
from functions.events.receive import resolved
from functions.queues.dead_letters import DeadLetter, DeadLetterError, run_of
from functions.queues.publisher import PublishError
from functions.queues.pubsub.project import Project, ProjectError, explained
from functions.queues.pubsub.publisher import PubsubPublisher
from functions.queues.topology import dead

RIGHT = "roles/pubsub.subscriber"
PULL_SECONDS = 3.0
"""How long a pull waits for what is there; that there is nothing is known only after it."""
EMULATED_SECONDS = 0.5
"""The same on this machine."""
BATCH = 500
MOST = 10_000
"""Letters looked at in one go."""

_MARK = "CloudPubSubDeadLetterSource"
"""Begins the attributes that Pub/Sub adds to a dead letter (Pub/Sub: Dead-letter topics, Track delivery attempts)."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """One message in our hands: dealt with by acknowledging `ack_id`."""

    ack_id: str
    message_id: str
    data: bytes
    attributes: Mapping[str, str]
    key: str


class PubsubDeadLetters:
    """The dead letters of a project's topics."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._patience = EMULATED_SECONDS if project.emulated else PULL_SECONDS
        self._publisher = PubsubPublisher(project)

    def list(self, topic: str) -> Sequence[DeadLetter]:
        """The dead letters of a topic, oldest first. Raises LettersError."""
        with self._held(topic) as (held, _):
            return [_letter(topic, each) for each in held]

    def replay(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Publishes these on their topic again, then removes them; the ids that were found. Raises LettersError."""

        def again(letter: Pulled) -> None:
            kept = {name: text for name, text in letter.attributes.items() if not name.startswith(_MARK)}
            try:
                self._publisher.publish_message(topic, letter.data, kept, letter.key)
            except PublishError as error:
                raise DeadLetterError(str(error)) from error

        return self._deal(topic, ids, again)

    def drop(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Forgets these; the ids that were found. Raises LettersError."""
        return self._deal(topic, ids, lambda _: None)

    def _deal(self, topic: str, ids: Sequence[str], deal: Callable[[Pulled], None]) -> Sequence[str]:
        with self._held(topic) as (held, done):
            for letter in held:
                if letter.message_id in ids:
                    deal(letter)
                    done(letter)
            return [each for each in ids if any(letter.message_id == each for letter in held)]

    @contextmanager
    def _held(self, topic: str) -> Iterator[tuple[Sequence[Pulled], Callable[[Pulled], None]]]:
        """Everything there is, and what removes a letter; what was not removed is given back at the end."""
        path = self._project.subscription(dead(topic))
        client = self._project.subscriber
        try:
            with explained(path, RIGHT):
                held = {each.ack_id: each for each in self._pull(path)}

                def done(letter: Pulled) -> None:
                    client.acknowledge(subscription=path, ack_ids=[letter.ack_id])
                    del held[letter.ack_id]

                try:
                    yield list(held.values()), done
                finally:
                    for ack_ids in _batches(list(held)):
                        client.modify_ack_deadline(subscription=path, ack_ids=ack_ids, ack_deadline_seconds=0)
        except ProjectError as error:
            raise DeadLetterError(str(error)) from error

    def _pull(self, path: str) -> Iterator[Pulled]:
        from google.api_core.exceptions import DeadlineExceeded

        count = 0
        while count < MOST:
            try:
                request = {"subscription": path, "max_messages": BATCH}
                answer = self._project.subscriber.pull(request=request, timeout=self._patience, retry=None)
            except DeadlineExceeded:
                return
            if not answer.received_messages:
                return
            for each in answer.received_messages:
                count += 1
                found = each.message
                yield Pulled(each.ack_id, found.message_id, found.data, dict(found.attributes), found.ordering_key)


def _batches(items: Sequence[str]) -> Iterator[Sequence[str]]:
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
    """The event in the message; of one that cannot be read, what its attributes say."""
    try:
        return resolved(from_message(pulled.data, pulled.attributes, pulled.message_id, "", "data"))
    except MalformedError:
        named: Any = pulled.attributes.get
        return Event(named("ce-id", ""), named("ce-source", ""), named("ce-type", ""), named("ce-subject", ""), None)
