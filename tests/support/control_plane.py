"""A real Kubernetes control plane for a test session.

It is started from the binaries in KUBEBUILDER_ASSETS: etcd, kube-apiserver and kube-controller-manager (garbage
collector, namespaces, Jobs) on free loopback ports; each process is stopped by the object that started it. With
TEST_CLUSTER (`make test-cluster`) it is the cluster of that kubeconfig, reached through `kubectl proxy`, which supports
every kind of login and lets an administrator act as another user.
"""

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

TRIES = 5
"""Number of sets of free ports to try."""
TOKEN = "contract-admin"
USERS = ("orchestrator-functions", "orchestrator-bridge")
"""Users without rights other than those that a test gives them."""
READY_SECONDS = 100
GARBAGE = "200"
"""GOGC of the servers, in percent: Go's default of 100 costs a tenth more processor time."""
INSTALL_HINT = (
    "no real control plane: set KUBEBUILDER_ASSETS to a directory with etcd, kube-apiserver and "
    "kube-controller-manager (kubebuilder's setup-envtest fetches the first two)"
)


@dataclass(frozen=True)
class ControlPlane:
    """The server's address and users; `etcd` is the address of its store, empty on an existing cluster."""

    url: str
    token: str
    certificate: Path | None
    kubeconfig: Path
    etcd: str = ""
    users: Mapping[str, str] = field(default_factory=dict)
    """URLs of proxies that act as one of USERS; empty if users have tokens."""

    def kubeconfig_of(self, user: str) -> Path:
        """Return the kubeconfig of one of USERS."""
        file = self.kubeconfig.with_name(f"kubeconfig-{user}")
        text = self.kubeconfig.read_text()
        if self.token:
            text = text.replace(self.token, f"token-of-{user}")
        file.write_text(text.replace(self.url, self.users.get(user, self.url)))
        return file


@contextlib.contextmanager
def available(folder: Path) -> Iterator[ControlPlane]:
    """Yield the cluster of TEST_CLUSTER, or one from the binaries; with neither, skip the test, or fail in CI."""
    given, binaries = os.environ.get("TEST_CLUSTER"), assets()
    if not given and binaries is None:
        assert os.environ.get("CI") != "true", INSTALL_HINT
        pytest.skip(INSTALL_HINT)
    with joined(Path(given or ""), folder) if given or binaries is None else running(binaries, folder) as plane:
        yield plane


@contextlib.contextmanager
def joined(kubeconfig: Path, folder: Path) -> Iterator[ControlPlane]:
    """Yield the cluster of a kubeconfig, reached as its user and as each of USERS."""
    assert kubeconfig.is_file(), f"TEST_CLUSTER: the file {kubeconfig} does not exist"
    with contextlib.ExitStack() as stack:
        urls = {user: stack.enter_context(_proxy(kubeconfig, user)) for user in ("", *USERS)}
        plane = ControlPlane(urls[""], "", None, folder / "kubeconfig", users=urls)
        _write_kubeconfig(plane)
        yield plane


@contextlib.contextmanager
def _proxy(kubeconfig: Path, user: str) -> Iterator[str]:
    kubectl = shutil.which("kubectl")
    assert kubectl, "TEST_CLUSTER needs kubectl: see kubernetes.io, Install Tools"
    command = [kubectl, "--kubeconfig", str(kubeconfig), "proxy", "--port=0", *([f"--as={user}"] if user else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"Starting to serve on (\S+)", line)
            assert found, f"kubectl proxy did not start: {line}"
            yield f"http://{found[1]}"
        finally:
            process.terminate()


def assets() -> Path | None:
    """Return the directory of the binaries, or None without one."""
    folder = Path(os.environ.get("KUBEBUILDER_ASSETS") or "/nonexistent")
    complete = all((folder / name).exists() for name in ("etcd", "kube-apiserver", "kube-controller-manager"))
    return folder if complete else None


@contextlib.contextmanager
def running(binaries: Path, folder: Path, *, controllers: bool = True) -> Iterator[ControlPlane]:
    """Run a control plane with its files in `folder` until the block ends; without controllers, only the server."""
    _write_keys(folder)
    with contextlib.ExitStack() as stack:
        plane = on_free_ports(3, lambda ports: _start(stack, binaries, folder, *ports))
        if controllers:
            manager = _controller_manager(binaries, plane)
            stack.enter_context(_process(manager, folder / "kube-controller-manager.log"))
        yield plane


class PortTakenError(Exception):
    """A process ended because another one took its port in the meantime."""


def on_free_ports(count: int, start: Callable[[list[int]], T]) -> T:
    """Call `start` with free ports and return its result; try other ports if it raises PortTakenError."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(PortTakenError):
            return start(_free_ports(count))
    return start(_free_ports(count))


def _start(stack: contextlib.ExitStack, binaries: Path, folder: Path, etcd: int, peer: int, port: int) -> ControlPlane:
    """Start the API server and its etcd, which `stack` stops; raise PortTakenError."""
    certificate = folder / "certs/apiserver.crt"
    url, store = f"https://127.0.0.1:{port}", f"http://127.0.0.1:{etcd}"
    plane = ControlPlane(url, TOKEN, certificate, folder / "kubeconfig", store)
    _write_kubeconfig(plane)
    commands = {
        folder / "etcd.log": _etcd(binaries, folder, etcd, peer),
        folder / "kube-apiserver.log": _api_server(binaries, folder, etcd, port),
    }
    with contextlib.ExitStack() as started:
        processes = {log: started.enter_context(_process(command, log)) for log, command in commands.items()}
        _wait_ready(plane, processes)
        stack.enter_context(started.pop_all())
    return plane


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _write_keys(folder: Path) -> None:
    key = ["openssl", "genrsa", "-out", str(folder / "sa.key"), "2048"]
    public = ["openssl", "rsa", "-in", str(folder / "sa.key"), "-pubout", "-out", str(folder / "sa.pub")]
    for command in (key, public):
        subprocess.run(command, check=True, capture_output=True)
    others = [f"token-of-{user},{user},{user}\n" for user in USERS]
    (folder / "tokens.csv").write_text("".join([f'{TOKEN},admin,1,"system:masters"\n', *others]))


def _write_kubeconfig(plane: ControlPlane) -> None:
    user = f"{{token: {plane.token}}}" if plane.token else "{}"
    plane.kubeconfig.write_text(
        f"""apiVersion: v1
kind: Config
current-context: real
clusters: [{{name: real, cluster: {{server: "{plane.url}", insecure-skip-tls-verify: true}}}}]
users: [{{name: admin, user: {user}}}]
contexts: [{{name: real, context: {{cluster: real, user: admin}}}}]
"""
    )


def _etcd(binaries: Path, folder: Path, port: int, peer: int) -> list[str]:
    url = f"http://127.0.0.1:{port}"
    return [
        str(binaries / "etcd"),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        "--unsafe-no-fsync",
    ]


def _api_server(binaries: Path, folder: Path, etcd: int, port: int) -> list[str]:
    return [
        str(binaries / "kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder / 'certs'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        f"--service-account-key-file={folder / 'sa.pub'}",
        f"--service-account-signing-key-file={folder / 'sa.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--disable-admission-plugins=ServiceAccount",
        "--enable-priority-and-fairness=false",  # it takes a quarter of an idle server's time
        *_gates(binaries),
    ]


def _gates(binaries: Path) -> list[str]:
    """Return the feature gate of a Job's TTL for old servers; newer ones reject the gate."""
    command = [str(binaries / "kube-apiserver"), "--help"]
    flags = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return ["--feature-gates=TTLAfterFinished=true"] if "TTLAfterFinished=true|false (ALPHA" in flags else []


def _controller_manager(binaries: Path, plane: ControlPlane) -> list[str]:
    program = str(binaries / "kube-controller-manager")
    flags = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    return [
        program,
        *(["--port=0"] if "--port int" in flags else []),  # old versions also listen on a fixed port, without TLS
        f"--kubeconfig={plane.kubeconfig}",
        "--controllers=job,garbagecollector,namespace",
        "--secure-port=0",  # no server
        "--leader-elect=false",
        "--kube-api-qps=1000",  # the default allows 3 Jobs a second
        "--kube-api-burst=2000",
        "--concurrent-gc-syncs=20",
    ]


@contextlib.contextmanager
def _process(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    environ = {"GOGC": GARBAGE, **os.environ}
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, env=environ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_ready(plane: ControlPlane, processes: Mapping[Path, subprocess.Popen[bytes]]) -> None:
    """Wait until the API server is ready; raise PortTakenError if a process ended because its port was taken."""
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(plane):
        for log, process in processes.items():
            words = log.read_text()[-2000:]
            if process.poll() is not None and "address already in use" in words:
                raise PortTakenError(words)
            assert process.poll() is None, f"{log.stem} has ended:\n{words}"
            assert time.monotonic() < deadline, f"{log.stem}: the API server is not ready:\n{words}"
        time.sleep(0.2)


def _is_ready(plane: ControlPlane) -> bool:
    request = urllib.request.Request(f"{plane.url}/readyz", headers={"Authorization": f"Bearer {plane.token}"})
    try:
        context = ssl.create_default_context(cafile=plane.certificate)
        with urllib.request.urlopen(request, context=context, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
