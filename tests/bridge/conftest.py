"""The bridge on the embedded API server and on a real one, each behind a proxy, with a queue over HTTP.

On the real server the bridge has only the rights of its user in infra/kubernetes.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from functions.bridge.bridge import TOPIC_BY_KIND, Bridge, Timing
from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN, JOB, NAMESPACE, Kind
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.cluster.reflector import Backoff
from functions.cluster.transport import Request, Transport
from functions.local.dev.cluster import kubeconfig
from functions.settings.cluster import ClusterSettings
from tests.bridge import proxy, queues
from tests.support import api, builders, waiting
from tests.support.control_plane import ControlPlane
from tests.support.installed import KUBERNETES
from tests.support.kubeconfigs import transport_of

PATIENCE = 60.0
"""Timeout in seconds of each wait, also on a busy machine."""
BRIDGE_USER = "orchestrator-bridge"
QUICK = Timing(watch_timeout=1, read_timeout=10.0, dead_after=20.0, backoff=Backoff(0.05, 0.5), drain_timeout=10.0)
_numbers = itertools.count(1)

ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")


def until(condition: Callable[[], Any], why: str) -> None:
    """Wait until the condition holds; fail on timeout."""
    waiting.until(condition, PATIENCE, f"timeout while waiting for: {why}")


@dataclass(frozen=True)
class Host:
    """An API server: `config` is the bridge's kubeconfig, `admin` the administrator's transport."""

    url: str
    config: str
    admin: Transport
    real: bool

    @property
    def place(self) -> tuple[str, int]:
        where = urlsplit(self.url)
        assert where.hostname
        assert where.port
        return where.hostname, where.port


@pytest.fixture(scope="session")
def embedded_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("bridge")
    with api.api_server(folder / "state.sqlite") as url:
        yield host_of(url, folder)


def host_of(url: str, folder: Path) -> Host:
    """Return the host of an embedded server at that URL."""
    return Host(url, kubeconfig(url, "orchestrator"), api.transport(url, folder), real=False)


@pytest.fixture(scope="session")
def real_host(installed_plane: ControlPlane) -> Host:
    admin = transport_of(installed_plane.kubeconfig)
    config = installed_plane.kubeconfig_of(BRIDGE_USER).read_text()
    return Host(installed_plane.url, config, admin, real=True)


@dataclass
class Bench:
    """A namespace on a server, a proxy in front of the server, and a queue; the test starts bridges."""

    host: Host
    namespace: str
    network: proxy.Proxy
    queue: queues.QueueServer
    folder: Path
    bridges: list[Bridge] = field(default_factory=list)

    @property
    def admin(self) -> Cluster:
        return Cluster(self.host.admin)

    @property
    def kubeconfig(self) -> Path:
        """The bridge's kubeconfig, which leads through the proxy."""
        host, port = self.host.place
        file = self.folder / "bridge-kubeconfig"
        file.write_text(self.host.config.replace(f"{host}:{port}", f"127.0.0.1:{self.network.port}"))
        return file

    def transport(self, timeout: float = 10) -> Transport:
        return KubernetesTransport(ClusterSettings(kubeconfig=str(self.kubeconfig), timeout=timeout))

    def bridge(
        self,
        timing: Timing = QUICK,
        topics: Mapping[Kind, str] = TOPIC_BY_KIND,
        transport: Transport | None = None,
    ) -> Bridge:
        """Start a bridge; it is stopped at the end of the test."""
        cluster = Cluster(transport or self.transport())
        found = Bridge(cluster, self.queue.publisher, self.namespace, topics, timing)
        found.start()
        self.bridges.append(found)
        return found

    def ready_bridge(self, timing: Timing = QUICK, **options: Any) -> Bridge:
        found = self.bridge(timing, **options)
        until(lambda: found.ready, f"ready: {found.report()}")
        return found

    def create(self, *names: str, kind: Kind = CODE_RUN) -> None:
        for name in names:
            self.admin.create(kind, run(kind, name, self.namespace))

    def touch(self, name: str, kind: Kind = CODE_RUN) -> None:
        self.admin.patch(kind, self.namespace, name, {"metadata": {"annotations": {"touched": str(time.time_ns())}}})

    def delete(self, name: str, kind: Kind = CODE_RUN) -> None:
        found = self.admin.get(kind, self.namespace, name)
        self.admin.delete(kind, self.namespace, name, found["metadata"]["uid"])

    def versions(self) -> set[str]:
        """Return the ids of the events for the present versions of all code runs."""
        found = self.admin.list(CODE_RUN, self.namespace)
        return {f"{item['metadata']['uid']}/{item['metadata']['resourceVersion']}" for item in found}

    def published(self) -> set[str]:
        """Return the ids of the events in the queue."""
        return {event.id for event in list(self.queue.events)}


def run(kind: Kind, name: str, namespace: str) -> dict[str, Any]:
    """Return a new object of a watched kind."""
    if kind == JOB:
        container = {"name": "agent", "image": "registry.example/agent"}
        template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
        metadata = {"name": name, "namespace": namespace, "labels": {"agents.platform/run": name}}
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}}
    spec = builders.raw_run(kind.name)["spec"]
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def rules() -> list[dict[str, Any]]:
    """Return the rules of the bridge's Role in infra/kubernetes."""
    documents = yaml.safe_load_all((KUBERNETES / "base" / "rbac.yaml").read_text())
    roles = {each["metadata"]["name"]: each["rules"] for each in documents if each["kind"] == "Role"}
    found: list[dict[str, Any]] = roles[BRIDGE_USER]
    return found


def grant(host: Host, namespace: str, granted: list[dict[str, Any]]) -> None:
    """Give the bridge's user these rights in a namespace."""
    meta = {"name": BRIDGE_USER, "namespace": namespace}
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": BRIDGE_USER}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": BRIDGE_USER}
    role = {"apiVersion": ROLE.api_version, "kind": "Role", "metadata": meta, "rules": granted}
    binding = {"apiVersion": ROLE.api_version, "kind": "RoleBinding", "metadata": meta, "roleRef": reference}
    Cluster(host.admin).create(ROLE, role)
    Cluster(host.admin).create(ROLE_BINDING, binding | {"subjects": [subject]})


@pytest.fixture
def bench_on(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Return a factory for benches on a host; `granted` are the bridge's rights, by default those of its Role."""
    with ExitStack() as stack:

        def make(host: Host, granted: list[dict[str, Any]] | None = None) -> Bench:
            namespace = f"bridge-{next(_numbers)}"
            made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
            Cluster(host.admin).create(NAMESPACE, made)
            if host.real:
                grant(host, namespace, rules() if granted is None else granted)
            network = stack.enter_context(proxy.proxied(*host.place))
            queue = stack.enter_context(queues.running())
            found = Bench(host, namespace, network, queue, tmp_path)
            stack.callback(lambda: [each.stop() for each in found.bridges])
            return found

        yield make


@pytest.fixture(params=["embedded", "real"])
def bench(request: pytest.FixtureRequest, bench_on: Callable[..., Bench]) -> Bench:
    """Return a bench on each server in turn: a test with this fixture runs on both."""
    return bench_on(request.getfixturevalue(f"{request.param}_host"))


@pytest.fixture
def embedded_bench(embedded_host: Host, bench_on: Callable[..., Bench]) -> Bench:
    """Return a bench on the embedded server, for tests that do not depend on the server."""
    return bench_on(embedded_host)


@dataclass
class Counted:
    """A transport that counts lists, watches and the lines read from watches."""

    inner: Transport
    lists: int = 0
    watches: int = 0
    lines: int = 0

    def send(self, request: Request) -> Any:
        self.lists += 1
        return self.inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        found = self.inner.stream(request)
        self.watches += 1
        return self._counted(found)

    def _counted(self, lines: Iterator[Any]) -> Iterator[Any]:
        for line in lines:
            self.lines += line["type"] != "BOOKMARK"
            yield line
