"""A real cluster with our CRDs and RBAC in separate namespaces, and the functions with their own user's rights."""

import os
import secrets
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from functions.cluster.client import Cluster
from functions.cluster.transport import Request, Transport
from tests.support import cluster_cleanup, installed
from tests.support.api import Harness
from tests.support.control_plane import ControlPlane
from tests.support.kubeconfigs import transport_of
from tests.support.node import SimulatedKubelet, Unscheduled

FUNCTIONS_USER = "orchestrator-functions"
HOME = f"orchestrator-test-{secrets.token_hex(3)}"
"""The namespace that infra/kubernetes is applied to."""
APART = f"{HOME}-apart"
"""A namespace for tests that need one without unfinished runs of other tests; they leave it empty."""
BRIDGE_USER = "orchestrator-bridge"
Base = Callable[[str], str]


@pytest.fixture(scope="session")
def plane(plane: ControlPlane) -> Iterator[ControlPlane]:
    yield plane
    if not plane.etcd:  # an existing cluster; its CRDs may be in use
        cluster_cleanup.delete(connect(plane), NamespaceRecorder.namespaces)


@pytest.fixture(scope="session")
def base(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory, program: Callable[[str, str], str]) -> Base:
    """Return a function that applies infra/kubernetes/base to a namespace once and returns the namespace."""
    kubectl = program("kubectl", "see kubernetes.io, Install Tools")

    @cache
    def applied(name: str) -> str:
        NamespaceRecorder.namespaces.append(name)
        folder = _in_namespace(tmp_path_factory.mktemp("base"), name)
        for each in (installed.CRDS, folder):
            installed.apply(kubectl, plane, installed.kustomized(kubectl, each))
        return name

    return applied


def _in_namespace(folder: Path, name: str) -> Path:
    """Write a kustomization of infra/kubernetes/base for the namespace and return its folder."""
    base = os.path.relpath(installed.KUBERNETES / "base", folder.resolve())
    (folder / "kustomization.yaml").write_text(f"namespace: {name}\nresources: [{base}]\n")
    return folder


class NamespaceRecorder(Unscheduled):
    """A transport that records the namespaces that it creates."""

    namespaces: ClassVar[list[str]] = []

    def send(self, request: Request) -> Any:
        answer = super().send(request)
        if request.method == "POST" and request.path == "/api/v1/namespaces":
            self.namespaces.append(answer["metadata"]["name"])
        return answer


def connect(plane: ControlPlane, user: str | None = None) -> Transport:
    """Return a transport as the administrator, or as a user with the rights that RBAC gives."""
    file = plane.kubeconfig_of(user) if user else plane.kubeconfig
    return NamespaceRecorder(transport_of(file))


@pytest.fixture(scope="session")
def node(plane: ControlPlane) -> SimulatedKubelet:
    return SimulatedKubelet(Cluster(connect(plane)))


@pytest.fixture
def world(plane: ControlPlane, base: Base, node: SimulatedKubelet) -> Harness:
    """Return a harness with the functions' user, in the namespace that they are deployed to."""
    return Harness(connect(plane, FUNCTIONS_USER), base(HOME), node)
