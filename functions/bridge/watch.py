"""Publishes each change of the objects of one kind.

Events are hints, sent at least once: after a restart every object is sent again, and two bridges only double the
hints. The reflector makes no request before the outbox has taken a change, and none before a list or watch is stored
completely. A slow queue therefore slows the watch and loses nothing.
"""

import threading
from dataclasses import dataclass

from functions.bridge.outbox import Outbox
from functions.bridge.watch_health import WatchHealth
from functions.cluster.kinds import Kind
from functions.cluster.reflector import Reflector
from functions.cluster.updates import Change, Failure, Signal, Update
from functions.events.event import RESOURCE, Event

_VERBS = {"ADDED": "add", "MODIFIED": "update", "DELETED": "delete"}
"""The last part of an event's type, by what happened to the object."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The watch of one kind, until `stopping` is set."""

    kind: Kind
    reflector: Reflector
    outbox: Outbox
    health: WatchHealth
    stopping: threading.Event

    def run(self) -> None:
        """Publish changes until `stopping` is set; failures are reported to the health and retried."""
        for update in self.reflector.follow():
            self._handle(update)
            if self.stopping.is_set():
                return

    def _handle(self, update: Update) -> None:
        match update:
            case Change():
                self.outbox.put(self._event(update))
            case Failure(error):
                self.health.failed("cluster", error)
            case Signal.CONTACT:
                self.health.ok("cluster")
            case Signal.SYNCED:
                if self.outbox.wait_until_stored():
                    self.health.synced()
            case Signal.PAUSE:
                self.outbox.wait_until_stored()

    def _event(self, change: Change) -> Event:
        metadata = change.object["metadata"]
        return Event(
            id=f"{change.uid}/{change.version}",
            source="orchestrator/watch",
            type=RESOURCE + _VERBS[change.type],
            subject=self.kind.path(metadata["namespace"], metadata["name"]),
            data=change.object,
        )
