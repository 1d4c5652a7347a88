"""A real Kubernetes control plane from the binaries in KUBEBUILDER_ASSETS, for as long as a test session needs it.

etcd, kube-apiserver and kube-controller-manager (garbage collector, namespaces, Jobs) on free loopback ports. Each is
stopped by the process object that started it.
"""

import contextlib
import os
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOKEN = "contract-admin"
USERS = ("orchestrator-functions", "orchestrator-bridge")
"""Users with no rights but those that a test gives them."""
READY_SECONDS = 60
INSTALL_HINT = (
    "no real control plane: set KUBEBUILDER_ASSETS to a directory with etcd, kube-apiserver and "
    "kube-controller-manager (kubebuilder's setup-envtest fetches the first two)"
)


@dataclass(frozen=True)
class ControlPlane:
    """Where it answers, and as whom to ask."""

    url: str
    token: str
    certificate: Path
    kubeconfig: Path

    def kubeconfig_of(self, user: str) -> Path:
        """A kubeconfig of one of USERS."""
        file = self.kubeconfig.with_name(f"kubeconfig-{user}")
        file.write_text(self.kubeconfig.read_text().replace(self.token, f"token-of-{user}"))
        return file


def assets() -> Path | None:
    """The directory of the binaries, None where there is none."""
    folder = Path(os.environ.get("KUBEBUILDER_ASSETS") or "/nonexistent")
    complete = all((folder / name).exists() for name in ("etcd", "kube-apiserver", "kube-controller-manager"))
    return folder if complete else None


@contextlib.contextmanager
def running(binaries: Path, folder: Path) -> Iterator[ControlPlane]:
    """Start it with its files in `folder`; stop it when the block ends."""
    etcd, peer, port = _free_ports(3)
    plane = ControlPlane(f"https://127.0.0.1:{port}", TOKEN, folder / "certs/apiserver.crt", folder / "kubeconfig")
    _write_files(folder, plane)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_process(_etcd(binaries, folder, etcd, peer), folder / "etcd.log"))
        stack.enter_context(_process(_api_server(binaries, folder, etcd, port), folder / "kube-apiserver.log"))
        _wait_ready(plane, folder)
        manager = _controller_manager(binaries, plane)
        stack.enter_context(_process(manager, folder / "kube-controller-manager.log"))
        yield plane


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _write_files(folder: Path, plane: ControlPlane) -> None:
    key = ["openssl", "genrsa", "-out", str(folder / "sa.key"), "2048"]
    public = ["openssl", "rsa", "-in", str(folder / "sa.key"), "-pubout", "-out", str(folder / "sa.pub")]
    for command in (key, public):
        subprocess.run(command, check=True, capture_output=True)
    others = [f"token-of-{user},{user},{user}\n" for user in USERS]
    (folder / "tokens.csv").write_text("".join([f'{TOKEN},admin,1,"system:masters"\n', *others]))
    plane.kubeconfig.write_text(
        f"""apiVersion: v1
kind: Config
current-context: real
clusters: [{{name: real, cluster: {{server: "{plane.url}", insecure-skip-tls-verify: true}}}}]
users: [{{name: admin, user: {{token: {TOKEN}}}}}]
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
    ]


def _controller_manager(binaries: Path, plane: ControlPlane) -> list[str]:
    (port,) = _free_ports(1)
    program = str(binaries / "kube-controller-manager")
    flags = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    return [
        program,
        *(["--port=0"] if "--port int" in flags else []),  # old ones also listen on one fixed port, without TLS
        f"--kubeconfig={plane.kubeconfig}",
        "--controllers=job,garbagecollector,namespace",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={plane.certificate.parent}",
        "--leader-elect=false",
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
    ]


@contextlib.contextmanager
def _process(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_ready(plane: ControlPlane, folder: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(plane):
        log = (folder / "kube-apiserver.log").read_text()[-2000:]
        assert time.monotonic() < deadline, f"kube-apiserver is not ready:\n{log}"
        time.sleep(0.2)


def _is_ready(plane: ControlPlane) -> bool:
    request = urllib.request.Request(f"{plane.url}/readyz", headers={"Authorization": f"Bearer {plane.token}"})
    try:
        context = ssl.create_default_context(cafile=str(plane.certificate))
        with urllib.request.urlopen(request, context=context, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
