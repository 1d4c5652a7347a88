"""The queue of one machine: the embedded one, or Google's Pub/Sub emulator."""

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
"""Delivery attempts; the emulator retries every second, so these cover the restart of a function."""


class QueueError(Exception):
    """The queue did not start; the text names it and its log."""


class MachineQueue(Protocol):
    """A queue that pushes to the functions of this machine and publishes the sweep's schedule."""

    publisher: Publisher
    environ: Mapping[str, str]
    """Settings of the functions, so that they publish to it."""
    embedded: Topology
    """The topology that the embedded queue serves."""
    processes: Sequence[Process]

    def start(self) -> None:
        """Start the queue and return once it delivers; raise QueueError."""
        ...

    def stop(self) -> None:
        """Stop the queue."""
        ...


class EmbeddedQueue:
    """The embedded queue, served by the process of the API server."""

    processes: Sequence[Process] = ()

    def __init__(self, url: str, endpoints: Mapping[str, str], sweep_seconds: float, *, wrapped: bool) -> None:
        self.publisher: Publisher = EmbeddedPublisher(url + QUEUE_PATH)
        self.environ: Mapping[str, str] = {"ORCHESTRATOR_QUEUES__URL": url + QUEUE_PATH}
        self.embedded = topology(endpoints, sweep_seconds, wrapped=wrapped)

    def start(self) -> None:
        """Do nothing: the API server's process starts it."""

    def stop(self) -> None:
        """Do nothing: the API server's process stops it."""


class EmulatedPubsub:
    """The emulator as a process, with the topology of Pub/Sub; a thread replaces Cloud Scheduler."""

    embedded = Topology(())

    def __init__(self, log: Path, endpoints: Mapping[str, str], sweep_seconds: float, *, wrapped: bool) -> None:
        self._emulator = Emulator(free_port(), log)
        self._project = Project(PROJECT, emulator=self._emulator.address)
        self._topology = _with_many_attempts(topology(endpoints, wrapped=wrapped))
        self._sweep_seconds = sweep_seconds
        self._stopping = threading.Event()
        self.publisher: Publisher = PubsubPublisher(self._project)
        self.environ: Mapping[str, str] = {
            "ORCHESTRATOR_QUEUES__PROJECT": PROJECT,
            "PUBSUB_EMULATOR_HOST": self._emulator.address,
        }
        self.processes: Sequence[Process] = (self._emulator,)

    def start(self) -> None:
        """Start the emulator and return once it delivers; raise QueueError."""
        try:
            self._emulator.start()
            for line in TopologyApplier(self._project).apply(self._topology):
                log.info("%s", line)
        except (EmulatorError, ProjectError) as error:
            raise QueueError(str(error)) from error
        threading.Thread(target=self._tick, name="sweep-schedule", daemon=True).start()

    def stop(self) -> None:
        """Stop the emulator."""
        self._stopping.set()
        self._emulator.stop()

    def _tick(self) -> None:
        while not self._stopping.wait(self._sweep_seconds):
            try:
                self.publisher.publish("sweep", Event(str(uuid.uuid4()), "orchestrator/dev", SWEEP_DUE, "", None))
            except PublishError as error:  # the next tick publishes another one
                log.warning("%s", error)


def _with_many_attempts(topology: Topology) -> Topology:
    return replace(topology, subscriptions=tuple(map(_many_attempts, topology.subscriptions)))


def _many_attempts(subscription: Subscription) -> Subscription:
    policy = subscription.dead_letter
    return replace(subscription, dead_letter=policy and DeadLetterPolicy(policy.topic, ATTEMPTS))
