"""Dead letters: messages whose last delivery attempt failed. People list them, deliver them again, or drop them.

Each back end keeps them in its own way: the embedded queue in its store, Pub/Sub in the pull subscription of the
dead-letter topic. A letter is removed only after the request for it was carried out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from functions.events.event import Event, MalformedError
from functions.events.object_ref import object_ref
from functions.runs.model.kinds import RunKind
from functions.runs.model.owner_reference import run_owner

RUN_KINDS = frozenset(RunKind)


class DeadLetterError(Exception):
    """The queue did not do as asked; the text says what and why."""


@dataclass(frozen=True, slots=True)
class RunKey:
    """The run that a letter belongs to; `kind` is empty if only the name is known."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind or 'run'} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter; `id` identifies it within its topic. The data is not included: it may hold secrets."""

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
    """The dead letters of a queue. `topic` is always the original one; every method raises DeadLetterError."""

    def list(self, topic: str) -> Sequence[DeadLetter]:
        """Return the dead letters of a topic, oldest first."""
        ...

    def replay(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Deliver these again, removing each only after it is stored, and return the ids that were found."""
        ...

    def drop(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Delete these and return the ids that were found."""
        ...


def run_of(event: Event) -> RunKey | None:
    """Return the run of an event: the watched run, the owner of a watched Job, or the subject namespace/name."""
    try:
        ref = object_ref(event)
    except MalformedError:
        ref = None
    if ref and ref.kind in RUN_KINDS:
        return RunKey(ref.kind, ref.namespace, ref.name)
    if ref and ref.snapshot:
        return _owner(ref.namespace, ref.snapshot)
    namespace, _, name = event.subject.partition("/")
    return RunKey("", namespace, name) if namespace and name and "/" not in name else None


def _owner(namespace: str, snapshot: Mapping[str, Any]) -> RunKey | None:
    metadata = snapshot.get("metadata")
    owner = run_owner(metadata) if isinstance(metadata, Mapping) else None
    return RunKey(owner.kind, namespace, owner.name) if owner else None
