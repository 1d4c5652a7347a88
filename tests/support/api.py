"""An embedded API server on a loopback port, and a client that records its calls."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import AlreadyExists
from functions.cluster.kinds import JOB, NAMESPACE, RUNS
from functions.cluster.transport import Request, Transport
from functions.composition import REPORTERS
from functions.local.dev.cluster import write_kubeconfig
from functions.serving.dependencies import Dependencies
from functions.settings.model import Settings
from tests.support.builders import NOW, settings
from tests.support.embedded_server import running
from tests.support.forwarding import ForwardingTransport
from tests.support.kubeconfigs import transport_of
from tests.support.node import Node, SimulatedNode

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def api_server(database: Path, crds: Path = ROOT / "crds") -> Iterator[str]:
    """Serve an API server with the project's CRDs until the block ends; yield its URL."""
    with running(database, crds) as url:
        yield url


def transport(url: str, folder: Path) -> Transport:
    """Return the transport that deployed functions use."""
    return transport_of(write_kubeconfig(folder, url, "orchestrator"))


@dataclass
class RecordingTransport(ForwardingTransport):
    """A transport that records its requests."""

    calls: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Any:
        self.calls.append(request)
        return self.inner.send(request)

    @property
    def writes(self) -> list[str]:
        """The writes, except those of Kubernetes Events, which are counted apart."""
        written = [call for call in self.calls if call.method != "GET" and not call.path.endswith("/events")]
        return [f"{call.method} {call.path}" for call in written]

    @property
    def reads(self) -> list[str]:
        return [call.path for call in self.calls if call.method == "GET"]


class Harness:
    """One API server and the functions on it, with a clock that the test moves."""

    def __init__(
        self, inner: Transport, namespace: str, node: Node | None = None, configured: Settings | None = None
    ) -> None:
        self.now = NOW
        self.calls = RecordingTransport(inner)
        self.namespace = namespace
        configured = configured or settings(namespace=namespace)
        self.services = Dependencies(configured, Cluster(self.calls), lambda: self.now, connect_reporters=REPORTERS)
        self.kubelet = node.cluster if node else Cluster(inner)
        self.node = node or SimulatedNode(self.kubelet)
        with suppress(AlreadyExists):
            self.kubelet.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})

    def configure(self, **changed: Any) -> None:
        """Change settings of the functions from now on."""
        self.services = replace(self.services, settings=self.services.settings.model_copy(update=changed))

    def later(self, **by: float) -> datetime:
        """Move the clock and return the new time."""
        self.now += timedelta(**by)
        return self.now

    def runs(self) -> list[dict[str, Any]]:
        """Return the objects of all runs."""
        return [item for kind in RUNS.values() for item in self.kubelet.list(kind, self.namespace)]

    def jobs(self) -> list[dict[str, Any]]:
        return list(self.kubelet.list(JOB, self.namespace))

    def job_ready(self, name: str) -> dict[str, Any]:
        """Start the Job's agent and return the Job."""
        return self.node.start_pod(self.namespace, name)

    def job_ends(self, name: str, report: str = "", *, ok: bool = True, **terminated: Any) -> dict[str, Any]:
        """End the Job's agent with that termination message and return the Job."""
        state = {"terminated": {"exitCode": 0 if ok else 1, "message": report, **terminated}}
        return self.node.end_pod(self.namespace, name, {"phase": "Succeeded" if ok else "Failed"}, state)
