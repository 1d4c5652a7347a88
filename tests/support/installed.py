"""A real control plane on which infra/kubernetes/base was applied, one for all tests that only need that."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import control_plane

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "infra" / "kubernetes"


def kustomized(kubectl: str, folder: Path) -> bytes:
    """The manifests of a kustomization, as YAML."""
    return subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, check=True, timeout=60).stdout


def apply(kubectl: str, plane: control_plane.ControlPlane, manifests: bytes) -> str:
    """Applies them and waits for the CRDs among them; kubectl's words."""
    admin = [kubectl, "--kubeconfig", str(plane.kubeconfig)]
    done = subprocess.run([*admin, "apply", "--filename", "-"], input=manifests, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"]
    subprocess.run([*admin, *established], check=True, capture_output=True, timeout=60)
    return done.stdout.decode()


@contextlib.contextmanager
def running(kubectl: str, folder: Path) -> Iterator[control_plane.ControlPlane]:
    """The control plane until the block ends; without its binaries tests are skipped, and under CI=true they fail."""
    binaries = control_plane.assets()
    if binaries is None:
        assert os.environ.get("CI") != "true", control_plane.INSTALL_HINT
        pytest.skip(control_plane.INSTALL_HINT)
    with control_plane.running(binaries, folder) as plane:
        apply(kubectl, plane, kustomized(kubectl, KUBERNETES / "base"))
        yield plane
