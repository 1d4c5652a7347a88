"""A whole deployment in processes that a test can kill: functions, bridge, dispatcher, and a queue.

Only the kubelet is simulated, so that hundreds of runs are cheap; all calls go over HTTP.
"""

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError, NotFound
from functions.cluster.kinds import JOB, RUNS
from functions.local.dev import cluster as dev_cluster
from functions.local.dev.function_processes import Child, CommandChild, stop
from functions.local.dev.queues import PROJECT, EmbeddedQueue, EmulatedPubsub, MachineQueue, Nats
from functions.local.dev.server import Server, free_port
from functions.queues.backends.pubsub.project import Project
from functions.queues.backends.pubsub.setup import TopologyApplier
from functions.queues.queue_model import RetryPolicy, Subscription, Topology
from functions.queues.topics import LIFECYCLE
from functions.queues.topology import FUNCTIONS
from functions.runs.model.run import Run, parse
from functions.settings.nats import NatsSettings
from tests.contract.queue.conftest import Consumer
from tests.support.api import ROOT
from tests.support.dispatching import dispatching
from tests.support.embedded_server import SampleLogs
from tests.support.fork_server import forked_functions
from tests.support.kubeconfigs import cluster_of
from tests.support.node import Node, SimulatedNode
from tests.support.waiting import until

NAMESPACE = "orchestrator"
DONE = json.dumps({"outcome": "succeeded", "reason": "Completed", "message": "done", "commit": "b" * 40})


class Kubelet:
    """A simulated kubelet: runs the pod of every Job once and lets it succeed; `ran` counts by the Job's name."""

    def __init__(self, cluster: Cluster, node: Node) -> None:
        self.ran: Counter[str] = Counter()
        self._cluster, self._node = cluster, node
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)

    def _work(self) -> None:
        while not self._stopping.is_set():
            with suppress(ClusterError):
                version = self._cluster.list_page(JOB, NAMESPACE, "none=such")["metadata"]["resourceVersion"]
                for job in self._cluster.list(JOB, NAMESPACE):
                    self._take(job)
                for verb, job in self._cluster.watch(JOB, NAMESPACE, version, timeout_seconds=3):
                    if verb in ("ADDED", "MODIFIED"):
                        self._take(job)

    def _take(self, job: dict[str, Any]) -> None:
        name = job["metadata"]["name"]
        if job["spec"].get("parallelism", 1) and name not in self.ran:
            self.ran[name] += 1
            done = {"terminated": {"exitCode": 0, "message": DONE}}
            self._insist(lambda: self._node.start_pod(NAMESPACE, name))
            self._insist(lambda: self._node.end_pod(NAMESPACE, name, {"phase": "Succeeded"}, done))

    def _insist(self, step: Callable[[], object]) -> None:
        """Repeat the step until the API server answers, which may be slow: a Job is handled only once."""
        while not self._stopping.is_set():
            try:
                step()
            except NotFound:
                return
            except ClusterError:
                self._stopping.wait(0.5)
            else:
                return


PAUSES = RetryPolicy(0.1, 1.0)


def _impatient(topology: Topology, listener: Subscription) -> Topology:
    """Return the topology with short pauses and a subscriber to lifecycle events."""
    pushed = [replace(each, retry=PAUSES) for each in topology.subscriptions]
    return replace(topology, subscriptions=(*pushed, listener))


@dataclass
class Machine:
    """A running deployment."""

    cluster: Cluster
    queue: MachineQueue
    children: list[Any]
    kubelet: Kubelet
    folder: Path
    listener: Consumer = field(default_factory=Consumer)

    def kill(self, child: Any) -> None:
        """Kill the process group with SIGKILL, and start the process again, as a platform does."""
        with suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()
        child.start()

    def runs(self) -> list[Run]:
        return [parse(raw) for kind in RUNS.values() for raw in self.cluster.list(kind, NAMESPACE)]

    def log(self, target: str) -> str:
        return (self.folder / f"{target}.log").read_text()


def _queue(name: str, folder: Path, url: str, endpoints: Mapping[str, str], sweep_seconds: float) -> MachineQueue:
    if name == "nats":
        (folder / "logs").mkdir()
        return Nats(folder, endpoints, sweep_seconds)
    if name == "emulator":  # with wrapped messages, unlike the other queues
        return EmulatedPubsub(folder / "pubsub.log", endpoints, sweep_seconds, wrapped=True)
    return EmbeddedQueue(url, endpoints, sweep_seconds)


@contextmanager
def _listening(name: str, queue: MachineQueue, subscription: Subscription) -> Iterator[None]:
    """Deliver lifecycle events to the subscriber, if it is not in the queue's own topology."""
    topology = Topology((LIFECYCLE,), (subscription,))
    if name == "nats":
        settings = NatsSettings(servers=json.loads(queue.environ["ORCHESTRATOR_QUEUES__NATS__SERVERS"]))
        with dispatching(settings, "", topology):
            yield
        return
    if name == "emulator":
        list(TopologyApplier(Project(PROJECT, emulator=queue.environ["PUBSUB_EMULATOR_HOST"])).apply(topology))
    yield


@contextmanager
def machine(folder: Path, name: str, sweep_seconds: float = 2.0) -> Iterator[Machine]:
    """Run a deployment with the queue `embedded`, `emulator` or `nats` until the block ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    ports = {target: free_port() for target in FUNCTIONS if target != "github_event"}
    endpoints = {target: f"http://127.0.0.1:{number}" for target, number in ports.items()}
    listener = Consumer()
    queue = _queue(name, folder, url, endpoints, sweep_seconds)
    kubeconfig = dev_cluster.write_kubeconfig(folder, url, NAMESPACE)
    environ = {
        "PATH": os.environ["PATH"],
        "ORCHESTRATOR_NAMESPACE": NAMESPACE,
        "ORCHESTRATOR_AGENT__IMAGE": "local",
        "ORCHESTRATOR_BROKER__IMAGE": "local",
        "ORCHESTRATOR_CLUSTER__KUBECONFIG": str(kubeconfig),
        **queue.environ,
    }
    children: list[Any] = [Child(each, number, environ, folder / f"{each}.log") for each, number in ports.items()]
    children.append(CommandChild("watch", ["--port", "0"], environ, folder / "bridge.log"))
    with listener.serving(), forked_functions():
        subscription = Subscription("lifecycle-listener", LIFECYCLE, listener.url, retry=PAUSES)
        embedded = _impatient(queue.embedded, subscription) if name == "embedded" else queue.embedded
        server = Server(folder / "state.sqlite", ROOT / "crds", embedded, SampleLogs(), port)
        cluster = cluster_of(kubeconfig)
        server.start()
        until(lambda: server.serving, 30)
        dev_cluster.create_defaults(cluster, NAMESPACE, {})
        kubelet = Kubelet(cluster, SimulatedNode(cluster))
        try:
            queue.start()
            with _listening(name, queue, subscription):
                for child in children:
                    child.start()
                yield Machine(cluster, queue, [*children, *queue.children], kubelet, folder, listener)
        finally:
            stop(children)
            kubelet.stop()
            queue.stop()
            server.stop()
