"""A real cluster with our CRDs and RBAC in a namespace of their own, and the functions on it as their own user."""

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from functions.cluster.client import Cluster
from functions.cluster.transport import KubernetesTransport, Request, Transport
from functions.settings.cluster import ClusterSettings
from tests.support import control_plane, installed, tidying
from tests.support.api import World
from tests.support.node import KubeletOnly, Unscheduled

FUNCTIONS_USER = "orchestrator-functions"
HOME = f"orchestrator-test-{secrets.token_hex(3)}"
"""The namespace that infra/kubernetes is applied to."""
CROWD = f"{HOME}-many"
"""Another one, for what would keep every sweep of HOME busy."""
LIMITED = f"{HOME}-limited"
"""Another one, where few may work at once."""
BRIDGE_USER = "orchestrator-bridge"


@pytest.fixture(scope="session")
def plane(
    tmp_path_factory: pytest.TempPathFactory, program: Callable[[str, str], str]
) -> Iterator[control_plane.ControlPlane]:
    kubectl = program("kubectl", "see kubernetes.io, Install Tools")
    with control_plane.available(tmp_path_factory.mktemp("real")) as found:
        folders = {name: tmp_path_factory.mktemp("base") for name in (HOME, CROWD, LIMITED)}
        for name, folder in folders.items():
            installed.apply(kubectl, found, installed.kustomized(kubectl, _in_namespace(folder, name)))
        yield found
        if not found.etcd:  # a cluster that stays; the CRDs do too, they may be in use
            tidying.delete(connect(found), [*folders, *Noting.namespaces])


def _in_namespace(folder: Path, name: str) -> Path:
    """A kustomization of infra/kubernetes/base in the namespace."""
    base = os.path.relpath(installed.KUBERNETES / "base", folder.resolve())
    (folder / "kustomization.yaml").write_text(f"namespace: {name}\nresources: [{base}]\n")
    return folder


class Noting(Unscheduled):
    """Notes the namespaces that are made."""

    namespaces: ClassVar[list[str]] = []

    def send(self, request: Request) -> Any:
        answer = super().send(request)
        if request.method == "POST" and request.path == "/api/v1/namespaces":
            self.namespaces.append(answer["metadata"]["name"])
        return answer


def connect(plane: control_plane.ControlPlane, user: str | None = None) -> Transport:
    """A transport as the administrator, or as a user with the rights that RBAC gives."""
    file = plane.kubeconfig_of(user) if user else plane.kubeconfig
    return Noting(KubernetesTransport(ClusterSettings(kubeconfig=str(file))))


@pytest.fixture(scope="session")
def node(plane: control_plane.ControlPlane) -> KubeletOnly:
    return KubeletOnly(Cluster(connect(plane)))


@pytest.fixture
def world(plane: control_plane.ControlPlane, node: KubeletOnly) -> World:
    """The functions as their own user, in the namespace they are deployed to."""
    return World(connect(plane, FUNCTIONS_USER), HOME, node)
