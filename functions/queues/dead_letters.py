"""Dead letters: what was delivered in vain until the last attempt. Listed, delivered again, or dropped by people.

A letter is kept where its queue keeps it: on the embedded queue in its store, on Pub/Sub in the pull subscription of
the dead-letter topic. Nothing is taken away before what was asked for is done.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import urllib3

from functions.events.event import Event, MalformedError
from functions.events.object_ref import object_ref
from functions.queues.topology import dead
from functions.runs.api_group import API_VERSION
from functions.runs.model.kinds import RunKind

RUN_KINDS = frozenset(RunKind)


class DeadLetterError(Exception):
    """The queue did not do as asked; the text says what and why."""


@dataclass(frozen=True, slots=True)
class RunKey:
    """The run that a letter belongs to; `kind` is empty where only the name is known."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind or 'run'} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. `id` tells it apart in its topic; nothing of its data is shown, for it may hold anything."""

    topic: str
    id: str
    message_id: str
    subscription: str
    attempts: str
    reason: str
    event_id: str
    event_type: str
    run: RunKey | None


class DeadLetterQueue(Protocol):
    """The dead letters of a queue; `topic` is always the original one. All raise LettersError."""

    def list(self, topic: str) -> Sequence[DeadLetter]:
        """The dead letters of a topic, oldest first."""
        ...

    def replay(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Delivers these again, each removed only after it was stored; the ids that were found."""
        ...

    def drop(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Forgets these; the ids that were found."""
        ...


def run_of(event: Event) -> RunKey | None:
    """The run an event belongs to: the watched one, the owner of a watched Job, or the subject namespace/name."""
    try:
        found = object_ref(event)
    except MalformedError:
        found = None
    if found and found.kind in RUN_KINDS:
        return RunKey(found.kind, found.namespace, found.name)
    if found and found.snapshot:
        return next(_owners(found.namespace, found.snapshot), None)
    namespace, _, name = event.subject.partition("/")
    return RunKey("", namespace, name) if namespace and name and "/" not in name else None


def _owners(namespace: str, seen: Mapping[str, Any]) -> Iterator[RunKey]:
    metadata = seen.get("metadata")
    owners = metadata.get("ownerReferences") if isinstance(metadata, Mapping) else None
    for owner in owners if isinstance(owners, list) else ():
        if isinstance(owner, Mapping) and owner.get("apiVersion") == API_VERSION and owner.get("kind") in RUN_KINDS:
            yield RunKey(str(owner["kind"]), namespace, str(owner.get("name")))


class EmbeddedDeadLetters:
    """The dead letters of the embedded queue; it delivers one again to the very subscription that refused it."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(retries=False, timeout=10.0)

    def list(self, topic: str) -> Sequence[DeadLetter]:
        """The dead letters of a topic, oldest first. Raises LettersError."""
        answer = json.loads(self._ask("GET", f"/dead/{dead(topic)}", {200}).data)
        return [_letter(topic, each) for each in answer["letters"]]

    def replay(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Delivers these again; the ids that were found. Raises LettersError."""
        return [each for each in ids if self._is_done("POST", topic, each, "/replay")]

    def drop(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Forgets these; the ids that were found. Raises LettersError."""
        return [each for each in ids if self._is_done("DELETE", topic, each)]

    def _is_done(self, method: str, topic: str, letter: str, verb: str = "") -> bool:
        if not letter.isdecimal():
            return False
        status: int = self._ask(method, f"/dead/{dead(topic)}/{letter}{verb}", {204, 404}).status
        return status == 204

    def _ask(self, method: str, path: str, expected: set[int]) -> Any:
        try:
            answer = self._pool.request(method, self._url + path)
        except urllib3.exceptions.HTTPError as error:
            raise DeadLetterError(f"the embedded queue at {self._url} did not answer: {error}") from error
        if answer.status not in expected:
            raise DeadLetterError(f"the embedded queue answered {answer.status}: {answer.data[:200]!r}")
        return answer


def _letter(topic: str, found: Mapping[str, Any]) -> DeadLetter:
    told = found["event"]
    event = Event(told["id"], told["source"], told["type"], told.get("subject", ""), told.get("data"))
    return DeadLetter(
        topic=topic,
        id=str(found["id"]),
        message_id=found["messageId"],
        subscription=found["subscription"],
        attempts=str(found["attempts"]),
        reason=found["reason"],
        event_id=event.id,
        event_type=event.type,
        run=run_of(event),
    )
