"""The queue of one machine: the embedded one, Google's Pub/Sub emulator, or a NATS server with its dispatcher."""

import json
import logging
import os
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from functions.events.event import SWEEP_DUE, Event
from functions.local.dev.function_processes import CommandChild, Process, stop
from functions.local.dev.server import QUEUE_PATH, free_port
from functions.local.nats import NatsServer
from functions.local.pubsub import Emulator
from functions.local.server_process import ServerProcessError
from functions.queues.backends.embedded.publisher import EmbeddedPublisher
from functions.queues.backends.nats.publisher import NatsPublisher
from functions.queues.backends.nats.setup import apply_once
from functions.queues.backends.pubsub.project import Project, ProjectError
from functions.queues.backends.pubsub.publisher import PubsubPublisher
from functions.queues.backends.pubsub.setup import TopologyApplier
from functions.queues.publisher import Publisher, PublishError
from functions.queues.queue_model import DeadLetterPolicy, Subscription, Topology
from functions.queues.setup import SetupError
from functions.queues.topology import topology
from functions.settings.nats import NatsSettings

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
    children: Sequence[CommandChild]
    """The processes that are restarted when they end."""

    def start(self) -> None:
        """Start the queue and return once it delivers; raise QueueError."""
        ...

    def stop(self) -> None:
        """Stop the queue."""
        ...


class EmbeddedQueue:
    """The embedded queue, served by the process of the API server."""

    processes: Sequence[Process] = ()
    children: Sequence[CommandChild] = ()

    def __init__(self, url: str, endpoints: Mapping[str, str], sweep_seconds: float) -> None:
        self.publisher: Publisher = EmbeddedPublisher(url + QUEUE_PATH)
        self.environ: Mapping[str, str] = {"ORCHESTRATOR_QUEUES__URL": url + QUEUE_PATH}
        self.embedded = topology(endpoints, sweep_seconds)

    def start(self) -> None:
        """Do nothing: the API server's process starts it."""

    def stop(self) -> None:
        """Do nothing: the API server's process stops it."""


class EmulatedPubsub:
    """The emulator as a process, with the topology of Pub/Sub; a thread replaces Cloud Scheduler."""

    embedded = Topology(())
    children: Sequence[CommandChild] = ()

    def __init__(self, log: Path, endpoints: Mapping[str, str], sweep_seconds: float, *, wrapped: bool = False) -> None:
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
        except (ServerProcessError, ProjectError) as error:
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


class Nats:
    """A NATS server and the dispatcher as processes; their logs and messages are kept below `folder`."""

    embedded = Topology(())

    def __init__(self, folder: Path, endpoints: Mapping[str, str], sweep_seconds: float) -> None:
        self._server = NatsServer(free_port(), folder / "nats", folder / "logs" / "nats.log")
        self._settings = NatsSettings(servers=[self._server.url])
        self._topology = topology(endpoints)
        self.publisher: Publisher = NatsPublisher(self._settings)
        self.environ: Mapping[str, str] = {"ORCHESTRATOR_QUEUES__NATS__SERVERS": json.dumps(self._settings.servers)}
        environ = {
            "PATH": os.environ.get("PATH", os.defpath),
            "ORCHESTRATOR_QUEUES__ENDPOINTS": json.dumps(dict(endpoints)),
            **self.environ,
        }
        options = ["--port", "0", "--sweep-seconds", str(sweep_seconds)]
        self.dispatcher = CommandChild("dispatch", options, environ, folder / "logs" / "dispatch.log")
        self.children: Sequence[CommandChild] = (self.dispatcher,)
        self.processes: Sequence[Process] = (self._server, self.dispatcher)

    def start(self) -> None:
        """Start the server, make its streams, and start the dispatcher; raise QueueError."""
        try:
            self._server.start()
            for line in apply_once(self._settings, "", self._topology, dry_run=False):
                log.info("%s", line)
        except (ServerProcessError, SetupError) as error:
            raise QueueError(str(error)) from error
        self.dispatcher.start()

    def stop(self) -> None:
        """Stop both."""
        stop([self.dispatcher])
        self._server.stop()


def _with_many_attempts(topology: Topology) -> Topology:
    return replace(topology, subscriptions=tuple(map(_many_attempts, topology.subscriptions)))


def _many_attempts(subscription: Subscription) -> Subscription:
    policy = subscription.dead_letter
    return replace(subscription, dead_letter=policy and DeadLetterPolicy(policy.topic, ATTEMPTS))
