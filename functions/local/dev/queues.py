"""The queue of one machine: the embedded one, or Google's emulator of Pub/Sub in its place. Nothing else changes."""

import logging
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from functions.events.event import SWEEP_DUE, Event
from functions.local.dev.function_processes import Process
from functions.local.dev.server import QUEUE_PATH, free_port
from functions.local.pubsub import Emulator, EmulatorError
from functions.queues.embedded.publisher import EmbeddedPublisher
from functions.queues.publisher import Publisher, PublishError
from functions.queues.pubsub.project import Project, ProjectError
from functions.queues.pubsub.publisher import PubsubPublisher
from functions.queues.pubsub.setup import TopologyApplier
from functions.queues.queue_model import DeadLetterPolicy, Subscription, Topology
from functions.queues.topology import topology

log = logging.getLogger("orchestrator")

PROJECT = "orchestrator-dev"


ATTEMPTS = 100
"""The emulator tries again every second: as many tries as it takes for a function to be started again."""


class QueueError(Exception):
    """The queue did not come up; the text names it and its log."""


class MachineQueue(Protocol):
    """A queue that pushes to the functions of this machine, and ticks for the sweep."""

    publisher: Publisher
    environ: Mapping[str, str]
    """What the functions are told, so that they publish to it."""
    embedded: Topology
    """What the embedded queue is to serve."""
    processes: Sequence[Process]

    def start(self) -> None:
        """Returns once it delivers. Raises QueueError."""
        ...

    def stop(self) -> None:
        """Ends it."""
        ...


class EmbeddedQueue:
    """The embedded queue, which the API server's process serves."""

    processes: Sequence[Process] = ()

    def __init__(self, url: str, endpoints: Mapping[str, str], sweep_seconds: float, *, wrapped: bool) -> None:
        self.publisher: Publisher = EmbeddedPublisher(url + QUEUE_PATH)
        self.environ: Mapping[str, str] = {"ORCHESTRATOR_QUEUES__URL": url + QUEUE_PATH}
        self.embedded = topology(endpoints, sweep_seconds, wrapped=wrapped)

    def start(self) -> None:
        """It is there with the API server."""

    def stop(self) -> None:
        """It goes with the API server."""


class EmulatedPubsub:
    """The emulator as a process, set up as Pub/Sub would be; ticks come from here, not from a scheduler."""

    embedded = Topology(())

    def __init__(self, log: Path, endpoints: Mapping[str, str], sweep_seconds: float, *, wrapped: bool) -> None:
        self._emulator = Emulator(free_port(), log)
        self._project = Project(PROJECT, emulator=self._emulator.address)
        self._topology = _patient(topology(endpoints, wrapped=wrapped))
        self._sweep_seconds = sweep_seconds
        self._stopping = threading.Event()
        self.publisher: Publisher = PubsubPublisher(self._project)
        self.environ: Mapping[str, str] = {
            "ORCHESTRATOR_QUEUES__PROJECT": PROJECT,
            "PUBSUB_EMULATOR_HOST": self._emulator.address,
        }
        self.processes: Sequence[Process] = (self._emulator,)

    def start(self) -> None:
        """Returns once it delivers. Raises QueueError."""
        try:
            self._emulator.start()
            for line in TopologyApplier(self._project).apply(self._topology):
                log.info("%s", line)
        except (EmulatorError, ProjectError) as error:
            raise QueueError(str(error)) from error
        threading.Thread(target=self._tick, name="sweep-schedule", daemon=True).start()

    def stop(self) -> None:
        """Ends the emulator."""
        self._stopping.set()
        self._emulator.stop()

    def _tick(self) -> None:
        while not self._stopping.wait(self._sweep_seconds):
            try:
                self.publisher.publish("sweep", Event(str(uuid.uuid4()), "orchestrator/dev", SWEEP_DUE, "", None))
            except PublishError as error:  # the next tick makes up for it
                log.warning("%s", error)


def _patient(wanted: Topology) -> Topology:
    return replace(wanted, subscriptions=tuple(map(_tried_often, wanted.subscriptions)))


def _tried_often(each: Subscription) -> Subscription:
    return replace(each, dead_letter=each.dead_letter and DeadLetterPolicy(each.dead_letter.topic, ATTEMPTS))
