"""Google's Pub/Sub emulator as the queue. It is warmed up: it compiles itself during its first requests."""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from functions.events.event import Event
from functions.local.dev.server import free_port
from functions.local.pubsub import Emulator, find
from functions.local.pubsub.emulator import HINT
from functions.queues.backends.pubsub.project import Project
from functions.queues.backends.pubsub.publisher import PubsubPublisher
from functions.queues.backends.pubsub.setup import TopologyApplier
from functions.queues.queue_model import Topology
from functions.queues.topics import GITHUB

PROJECT = "orchestrator-bench"
WARMING = 2_000


@contextmanager
def running() -> Iterator[Mapping[str, str]]:
    """Yield the environment of a function that publishes to it; empty, with a message, if it is not installed."""
    if find() is None:
        print(f"no rows about Pub/Sub: the emulator is not installed: {HINT}", file=sys.stderr)
        yield {}
        return
    with tempfile.TemporaryDirectory() as folder:
        emulator = Emulator(free_port(), Path(folder) / "log")
        emulator.start()
        try:
            _warm(Project(PROJECT, emulator=emulator.address))
            yield {"ORCHESTRATOR_QUEUES__PROJECT": PROJECT, "PUBSUB_EMULATOR_HOST": emulator.address}
        finally:
            emulator.stop()


def _warm(project: Project) -> None:
    list(TopologyApplier(project).apply(Topology((GITHUB,))))
    publisher = PubsubPublisher(project)
    for number in range(WARMING):
        publisher.publish(GITHUB, Event(str(number), "benchmark", "warming.v1", "", {}))
