"""An installation of infra/kubernetes as processes of this machine, started from its manifests.

Of each pod it takes: the command and its arguments, exactly the declared environment (with the values of secrets), the
mounted ConfigMaps and secrets in a folder of their own, and the rights of the service account, by a token of the API
server. What differs from a pod: `/opt/orchestrator` is this repository, every port is a free one, a Service's name is
the address of the process that its selector finds, and the service account's token is in a kubeconfig.
"""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from functions.local.dev.function_processes import stop
from functions.local.dev.server import free_port
from functions.local.nats import find
from tests.infra.manifests import Object, of_kind
from tests.support.control_plane import ControlPlane
from tests.support.installed import ROOT

NAMESPACE = "orchestrator"
Secrets = Mapping[str, Mapping[str, str]]


@dataclass
class PodProcess:
    """The one container of a pod, as a process."""

    target: str
    command: list[str]
    environ: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=dict(self.environ), stdout=log, stderr=log, start_new_session=True, cwd="/"
            )


@dataclass
class Overlay:
    """The rendered objects of an installation, and where its processes are on this machine."""

    items: list[Object]
    plane: ControlPlane
    kubectl: str
    secrets: Secrets
    folder: Path
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
        """Return where a Service leads: its selector finds exactly one workload, its targetPort is a port there."""
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

    def process(self, name: str) -> PodProcess:
        workload = self.workloads()[name]
        pod, container = workload["spec"]["template"]["spec"], self.container(workload)
        folder = self.folder / name
        folder.mkdir()
        mounts = {mount["mountPath"]: self._mounted(pod, mount, folder) for mount in container["volumeMounts"]}
        environ = {each["name"]: self._value(each, mounts) for each in container["env"]}
        if "PORT" in environ:
            environ["PORT"] = str(self.ports[name, "http"])
        if pod.get("automountServiceAccountToken"):
            environ["ORCHESTRATOR_CLUSTER__KUBECONFIG"] = str(self._kubeconfig(pod["serviceAccountName"], folder))
        image = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder), "TMPDIR": str(folder)}
        return PodProcess(name, self._command(name, container, mounts), image | environ, self.folder / f"{name}.log")

    def _command(self, name: str, container: Object, mounts: Mapping[str, Path]) -> list[str]:
        programs = {
            "functions-framework": [sys.executable, "-m", "functions_framework", "--host", "127.0.0.1"],
            "orchestrator": [sys.executable, "-m", "functions.clients"],
            "nats-server": [str(find())],
        }
        declared: list[str] = [*container["command"], *container.get("args", ())]
        program, options = declared[0], declared[1:]
        options = [_moved(each.replace("/opt/orchestrator", str(ROOT)), mounts) for each in options]
        if "--port" in options:
            options[options.index("--port") + 1] = str(self.ports[name, "health"])
        return [*programs[program], *(option.replace("0.0.0.0", "127.0.0.1") for option in options)]

    def _value(self, variable: Object, mounts: Mapping[str, Path]) -> str:
        if "value" in variable:
            return _moved(variable["value"], mounts)
        reference = variable["valueFrom"]["secretKeyRef"]
        return self.secrets[reference["name"]][reference["key"]]

    def _mounted(self, pod: Object, mount: Object, folder: Path) -> Path:
        """Return the folder that stands for a mount, with the files of its volume."""
        path = folder / str(mount["name"])
        path.mkdir()
        volumes = {each["name"]: each for each in pod.get("volumes", ())}
        volume = volumes.get(mount["name"], {})  # a claim of a StatefulSet has none
        for file, text in self._files(volume).items():
            (path / file).write_text(self._adapted(text))
        return path

    def _files(self, volume: Object) -> Mapping[str, str]:
        if "configMap" in volume:
            data: Mapping[str, str] = of_kind(self.items, "ConfigMap")[volume["configMap"]["name"]]["data"]
            return data
        if "secret" in volume:
            return self.secrets[volume["secret"]["secretName"]]
        return {}

    def _adapted(self, text: str) -> str:
        """Return a file with the addresses of this machine, also those that a server listens on."""
        ports = {
            str(port["containerPort"]): self.ports[name, port["name"]]
            for name, each in of_kind(self.items, "StatefulSet").items()
            for port in self.container(each)["ports"]
        }
        text = re.sub(r'"0\.0\.0\.0:(\d+)"', lambda match: f'"127.0.0.1:{ports[match[1]]}"', text)
        return self.here(text).replace('"/data/', f'"{self.folder}/data/')

    def _kubeconfig(self, account: str, folder: Path) -> Path:
        """Return a kubeconfig with a token that the API server gives for a service account."""
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{account}/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        command = [self.kubectl, "--kubeconfig", str(self.plane.kubeconfig), "create", "--raw", path, "--filename", "-"]
        done = subprocess.run(command, input=json.dumps(asked).encode(), capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        token = json.loads(done.stdout)["status"]["token"]
        claims = token.split(".")[1]
        subject = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
        assert subject == f"system:serviceaccount:{NAMESPACE}:{account}"
        file = folder / "kubeconfig"
        file.write_text(self.plane.kubeconfig.read_text().replace(self.plane.token, token))
        return file


def _moved(text: str, mounts: Mapping[str, Path]) -> str:
    """Return a path in the container as the path on this machine; any other text unchanged."""
    for path, folder in mounts.items():
        if re.match(rf"{re.escape(path)}(/|$)", text):
            return f"{folder}{text[len(path) :]}"
    return text


@contextmanager
def running(overlay: Overlay, *first: str) -> Iterator[list[PodProcess]]:
    """Start every workload, those named `first` before the others; stop them at the end."""
    names = [*first, *(name for name in overlay.workloads() if name not in first)]
    processes = [overlay.process(name) for name in names]
    try:
        for process in processes:
            process.start()
        yield processes
    finally:
        stop(processes)
