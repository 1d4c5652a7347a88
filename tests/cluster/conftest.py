"""A real control plane with the project's CRDs and RBAC, and the functions on it as their own user."""

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from functions.cluster.client import Cluster
from functions.cluster.transport import KubernetesTransport, Transport
from functions.settings import ClusterSettings
from tests.support import control_plane
from tests.support.api import World
from tests.support.node import KubeletOnly

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS_USER = "orchestrator-functions"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def plane(
    tmp_path_factory: pytest.TempPathFactory, program: Callable[[str, str], str]
) -> Iterator[control_plane.ControlPlane]:
    binaries = control_plane.assets()
    if binaries is None:
        assert os.environ.get("CI") != "true", control_plane.INSTALL_HINT
        pytest.skip(control_plane.INSTALL_HINT)
    kubectl = program("kubectl", "see kubernetes.io, Install Tools")
    with control_plane.running(binaries, tmp_path_factory.mktemp("real")) as found:
        rendered = subprocess.run(
            [kubectl, "kustomize", str(ROOT / "infra/kubernetes/base")], capture_output=True, check=True
        )
        admin = [kubectl, "--kubeconfig", str(found.kubeconfig)]
        subprocess.run([*admin, "apply", "--filename", "-"], input=rendered.stdout, check=True, capture_output=True)
        established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"]
        subprocess.run([*admin, *established], check=True, capture_output=True)
        yield found


def connect(plane: control_plane.ControlPlane, user: str | None = None) -> Transport:
    """A transport as the administrator, or as a user with the rights that RBAC gives."""
    file = plane.kubeconfig_of(user) if user else plane.kubeconfig
    return KubernetesTransport(ClusterSettings(kubeconfig=str(file)))


@pytest.fixture(scope="session")
def node(plane: control_plane.ControlPlane) -> KubeletOnly:
    return KubeletOnly(Cluster(connect(plane)))


@pytest.fixture
def world(plane: control_plane.ControlPlane, node: KubeletOnly) -> World:
    """The functions as their own user, in the namespace they are deployed to."""
    return World(connect(plane, FUNCTIONS_USER), "orchestrator", node)
