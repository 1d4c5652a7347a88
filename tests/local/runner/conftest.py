"""An embedded API server with a runner; Jobs whose container is a shell script."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvicorn

from functions.cluster.client import Cluster, Object
from functions.cluster.errors import NotFound
from functions.cluster.kinds import CONFIG_MAP, EVENT, JOB, POD, SECRET, VOLUME_CLAIM, Kind
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.local.apiserver import Registry, Store, create_app
from functions.local.database import connect
from functions.local.dev.cluster import write_kubeconfig
from functions.local.dev.server import free_port
from functions.local.runner import Logs, Runner
from functions.settings.cluster import ClusterSettings
from tests.support.api import ROOT
from tests.support.waiting import until

HOST = Path(__file__).with_name("host.py")
HOST_ENVIRON = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
SPACE = "default"


class Machine:
    """The API server of a test, with helpers that act on it as a client."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "node"
        self.logs = Logs(self.state)
        self._database = folder / "state.db"
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.kubeconfig = str(write_kubeconfig(folder, self.url, "orchestrator"))
        self.cluster = self.new_cluster()

    def new_cluster(self) -> Cluster:
        return Cluster(KubernetesTransport(ClusterSettings(kubeconfig=self.kubeconfig, timeout=5)))

    @contextmanager
    def served(self) -> Iterator[None]:
        app = create_app(Store(connect(self._database)), Registry.load(ROOT / "crds"), self.logs)
        config = uvicorn.Config(app, port=self._port, log_level="critical", timeout_graceful_shutdown=0)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        self.until(lambda: server.started)
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(10)

    @contextmanager
    def runner(self, **options: Any) -> Iterator[Runner]:
        found = Runner(self.new_cluster(), self.state, stop_grace=2, **options)
        try:
            found.start()
            yield found
        finally:
            found.stop()

    @contextmanager
    def runner_process(self, calls: int = 1_000_000) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a runner in its own process; kill it with SIGKILL after `calls` API calls, or when the block ends."""
        process = subprocess.Popen([sys.executable, HOST, self.kubeconfig, self.state, str(calls)], env=HOST_ENVIRON)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def job(self, script: str, name: str = "work", *, pod: Mapping[str, Any] | None = None, **spec: Any) -> Object:
        """Create a Job; keywords are fields of its spec, `pod` has fields of the pod's spec or of the container."""
        container = {"name": "agent", "image": "local", "command": ["/bin/bash", "-c", script.replace("$", "$$")]}
        own = {key: value for key, value in (pod or {}).items() if key in ("env", "envFrom", "volumeMounts", "command")}
        rest = {key: value for key, value in (pod or {}).items() if key not in own}
        template = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, **rest}
        template["containers"] = [container | own]
        body = {"backoffLimit": 0, "template": {"spec": template}} | spec
        return self.create(JOB, name, spec=body)

    def create(self, kind: Kind, name: str, **fields: Any) -> Object:
        metadata = {"name": name, "namespace": SPACE}
        item = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **fields}
        return self.cluster.create(kind, item)

    def secret(self, name: str, **data: str) -> Object:
        return self.create(SECRET, name, stringData=data)

    def config_map(self, name: str, data: Mapping[str, str]) -> Object:
        return self.create(CONFIG_MAP, name, data=dict(data))

    def claim(self, name: str) -> Object:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        return self.create(VOLUME_CLAIM, name, spec=spec)

    def get(self, kind: Kind, name: str) -> Object | None:
        with suppress(NotFound):
            return self.cluster.get(kind, SPACE, name)
        return None

    def pods(self) -> list[Object]:
        return list(self.cluster.list(POD, SPACE))

    def pod(self, job: str = "work") -> Object | None:
        found = [pod for pod in self.pods() if pod["metadata"]["labels"]["job-name"] == job]
        assert len(found) < 2, "a Job gets at most one pod"
        return found[0] if found else None

    def events(self) -> list[Object]:
        return list(self.cluster.list(EVENT, SPACE))

    def patch_job(self, spec: Mapping[str, Any], name: str = "work") -> None:
        self.cluster.patch(JOB, SPACE, name, {"spec": dict(spec)})

    def delete(self, kind: Kind, item: Object) -> None:
        self.cluster.delete(kind, SPACE, item["metadata"]["name"], item["metadata"]["uid"])

    def condition(self, kind: str, name: str = "work") -> Object | None:
        job = self.get(JOB, name)
        conditions = (job or {}).get("status", {}).get("conditions") or ()
        return next((each for each in conditions if each["type"] == kind), None)

    def finished(self, name: str = "work", seconds: float = 20) -> tuple[Object, Object | None]:
        """Wait until the Job is complete or failed; return the Job and its pod."""
        self.until(lambda: self.condition("Complete", name) or self.condition("Failed", name), seconds)
        job = self.get(JOB, name)
        assert job
        return job, self.pod(name)

    def phase(self, job: str = "work") -> str | None:
        pod = self.pod(job)
        return pod["status"]["phase"] if pod else None

    def log(self, job: str = "work") -> str:
        pod = self.pod(job)
        path = self.state / "logs" / SPACE / f"{pod['metadata']['name']}.log" if pod else None
        return path.read_text() if path and path.exists() else ""

    until = staticmethod(until)


def terminated(pod: Object | None) -> Object:
    assert pod
    found: Object = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    return found


def living(marker: Path) -> list[int]:
    """Return the running processes whose pids are in `marker`."""
    pids = [int(line) for line in marker.read_text().split()] if marker.exists() else []
    return [pid for pid in pids if _lives(pid)]


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def machine_without_server(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def machine(machine_without_server: Machine) -> Iterator[Machine]:
    with machine_without_server.served():
        yield machine_without_server


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """Yield a file for pids; the processes that it names are ended after the test."""
    file = tmp_path / "pids"
    yield file
    for pid in living(file):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture(name="terminated")
def _terminated() -> Callable[[Object | None], Object]:
    return terminated


@pytest.fixture(name="living")
def _living() -> Callable[[Path], list[int]]:
    return living
