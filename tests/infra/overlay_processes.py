"""An installation of infra/kubernetes as processes of this machine, started from its manifests.

Like the pod, a process has the file system of the built image with a read-only root, the command and arguments, the
user, exactly the declared environment (with the values of secrets), the volumes at their paths, and the service
account's token and certificate. Unlike in a pod, every port is a free one on loopback, the name of a Service is
replaced by the address of the process that its selector matches, and NATS is the program of this machine.
"""

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functions.local.dev.function_processes import Program, stop
from functions.local.dev.server import free_port
from functions.local.nats import find
from tests.infra.manifests import Object, of_kind
from tests.support.control_plane import ControlPlane
from tests.support.images import Image

NAMESPACE = "orchestrator"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
Secrets = Mapping[str, Mapping[str, str]]


@dataclass
class ImageProcess(Program):
    """The only container of a pod, run from the file system of its image as the pod's user."""

    image: Image = field(kw_only=True)
    user: str = field(kw_only=True)
    mounted: Mapping[str, Path] = field(kw_only=True)
    writable: tuple[str, ...] = field(kw_only=True)

    def _started(self, **options: Any) -> "subprocess.Popen[bytes]":
        return self.image.start(
            self.command,
            environ=self.environ,
            user=self.user,
            mounted=self.mounted,
            writable=self.writable,
            **options,
        )


@dataclass
class Overlay:
    """The rendered objects of an installation, and the addresses of its processes on this machine."""

    items: list[Object]
    plane: ControlPlane
    kubectl: str
    secrets: Secrets
    folder: Path
    image: Image
    ports: dict[tuple[str, str], int] = field(default_factory=dict)
    """By workload and name of the container's port."""

    def __post_init__(self) -> None:
        for name, workload in self.workloads().items():
            for port in self.container(workload)["ports"]:
                self.ports[name, port["name"]] = free_port()

    def workloads(self) -> dict[str, Object]:
        return of_kind(self.items, "Deployment") | of_kind(self.items, "StatefulSet")

    def container(self, workload: Object) -> Object:
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        return dict(container)

    def address(self, service: str, port: int) -> str:
        """Return the address of a Service; its selector must match one workload, its targetPort a port there."""
        spec = of_kind(self.items, "Service")[service]["spec"]
        (target,) = [
            name
            for name, each in self.workloads().items()
            if spec["selector"].items() <= each["spec"]["template"]["metadata"]["labels"].items()
        ]
        (found,) = [each["targetPort"] for each in spec["ports"] if each["port"] == port]
        return f"127.0.0.1:{self.ports[target, found]}"

    def here(self, text: str) -> str:
        """Return the text with the names of Services as addresses of this machine."""
        names = "|".join(of_kind(self.items, "Service"))

        def replaced(match: re.Match[str]) -> str:
            return f"{match[1]}://{self.address(match[2], int(match[3] or 80))}"

        return re.sub(rf"(http|nats|tls)://({names})(?![\w.-])(?::(\d+))?", replaced, text)

    def process(self, name: str) -> Program:
        pod, container = self.workloads()[name]["spec"]["template"]["spec"], self.container(self.workloads()[name])
        folder = self.folder / name
        folder.mkdir()
        mounts = {mount["mountPath"]: self._mounted(pod, mount, folder) for mount in container["volumeMounts"]}
        environ = {each["name"]: self._value(each) for each in container["env"]}
        log = self.folder / f"{name}.log"
        if container["command"][0] == "nats-server":
            command = [str(find()), *(_moved(each, mounts) for each in container["command"][1:])]
            return Program(name, command, {"PATH": os.environ["PATH"], **environ}, log)
        assert pod["enableServiceLinks"] is False, "otherwise the kubelet adds variables of Services"
        host, port = self.plane.url.removeprefix("https://").split(":")
        environ |= {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        if "PORT" in environ:
            environ["PORT"] = str(self.ports[name, "http"])
        if pod["automountServiceAccountToken"]:
            mounts[SERVICE_ACCOUNT] = self._identity(pod["serviceAccountName"], folder)
        writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
        security = pod["securityContext"]
        return ImageProcess(
            name,
            self._command(name, container),
            environ,
            log,
            image=self.image,
            user=f"{security['runAsUser']}:{security['runAsGroup']}",
            mounted={path: source for path, source in mounts.items() if path not in writable},
            writable=tuple(writable),
        )

    def _command(self, name: str, container: Object) -> list[str]:
        command: list[str] = [*container["command"], *container.get("args", ())]
        if "--port" in command:
            command[command.index("--port") + 1] = str(self.ports[name, "health"])
        else:
            command += ["--host", "127.0.0.1"]
        return [option.replace("0.0.0.0", "127.0.0.1") for option in command]

    def _value(self, variable: Object) -> str:
        if "value" in variable:
            return str(variable["value"])
        reference = variable["valueFrom"]["secretKeyRef"]
        return self.secrets[reference["name"]][reference["key"]]

    def _mounted(self, pod: Object, mount: Object, folder: Path) -> Path:
        """Create and return the folder of a mount, with the files of its volume."""
        volumes = {each["name"]: each for each in pod.get("volumes", ())}
        volume = volumes.get(mount["name"], {})  # the claim of a StatefulSet is not in the list
        files = {file: self._adapted(text) for file, text in self._files(volume).items()}
        return _folder(folder / str(mount["name"]), files)

    def _files(self, volume: Object) -> Mapping[str, str]:
        if "configMap" in volume:
            data: Mapping[str, str] = of_kind(self.items, "ConfigMap")[volume["configMap"]["name"]]["data"]
            return data
        if "secret" in volume:
            return self.secrets[volume["secret"]["secretName"]]
        return {}

    def _adapted(self, text: str) -> str:
        """Return a file with the addresses of this machine, including listen addresses."""
        ports = {
            str(port["containerPort"]): self.ports[name, port["name"]]
            for name, each in of_kind(self.items, "StatefulSet").items()
            for port in self.container(each)["ports"]
        }
        text = re.sub(r'"0\.0\.0\.0:(\d+)"', lambda match: f'"127.0.0.1:{ports[match[1]]}"', text)
        return self.here(text).replace('"/data/', f'"{self.folder}/data/')

    def _identity(self, account: str, folder: Path) -> Path:
        """Create and return a service account's folder as the kubelet does, with a token of the API server."""
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{account}/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        command = [self.kubectl, "--kubeconfig", str(self.plane.kubeconfig), "create", "--raw", path, "--filename", "-"]
        done = subprocess.run(command, input=json.dumps(asked).encode(), capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        token = json.loads(done.stdout)["status"]["token"]
        claims = token.split(".")[1]
        subject = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
        assert subject == f"system:serviceaccount:{NAMESPACE}:{account}"
        assert self.plane.certificate
        files = {"token": token, "namespace": NAMESPACE, "ca.crt": self.plane.certificate.read_text()}
        return _folder(folder / "service-account", files)


def _folder(path: Path, files: Mapping[str, str]) -> Path:
    """Make a folder with files that every user can read."""
    path.mkdir(mode=0o755)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def _moved(text: str, mounts: Mapping[str, Path]) -> str:
    """Return a path in the container as the path on this machine; any other text unchanged."""
    for path, folder in mounts.items():
        if re.match(rf"{re.escape(path)}(/|$)", text):
            return f"{folder}{text[len(path) :]}"
    return text


@contextmanager
def running(overlay: Overlay, *first: str) -> Iterator[list[Program]]:
    """Start every workload, those named `first` before the others; stop them at the end."""
    names = [*first, *(name for name in overlay.workloads() if name not in first)]
    processes = [overlay.process(name) for name in names]
    try:
        for process in processes:
            process.start()
        yield processes
    finally:
        stop(processes)
