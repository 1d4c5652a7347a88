"""An embedded API server and queue in a process of their own: `python -m tests.benchmarks.server DATABASE PORT`.

The queue stores events and has no subscribers.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.local.dev.cluster import write_kubeconfig
from functions.local.dev.server import QUEUE_PATH, Server, free_port
from functions.queues.topology import topology
from functions.settings.cluster import ClusterSettings
from tests.benchmarks.deliveries import ENVIRON
from tests.support.api import ROOT
from tests.support.embedded_server import SampleLogs

START_SECONDS = 20.0


@contextmanager
def running(folder: Path) -> Iterator["Address"]:
    """Run a server with its state and a kubeconfig in `folder`, until the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.server", str(folder / "state.sqlite"), str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process)
        yield Address(url, folder)
    finally:
        process.terminate()
        process.wait(15)


class Address:
    """The URLs and the kubeconfig of a running server."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.queue = url + QUEUE_PATH
        self.kubeconfig = write_kubeconfig(folder, url, "orchestrator")

    def transport(self) -> KubernetesTransport:
        """Return a transport with its own connections."""
        return KubernetesTransport(ClusterSettings(kubeconfig=str(self.kubeconfig)))

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a function that uses the server."""
        return {
            "ORCHESTRATOR_CLUSTER__KUBECONFIG": str(self.kubeconfig),
            "ORCHESTRATOR_QUEUES__URL": self.queue,
            "ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent",
            "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent",
            **ENVIRON,
        }


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib3.request("GET", f"{url}/version", timeout=30, retries=False)
            return
        except urllib3.exceptions.HTTPError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.02)


def _serve(database: str, port: str) -> None:
    server = Server(Path(database), ROOT / "crds", topology({}), SampleLogs(), int(port))
    server.start()
    server._thread.join()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
