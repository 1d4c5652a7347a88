"""Applies the manifests of infra/kubernetes to a real control plane."""

import subprocess
from pathlib import Path

from tests.support import control_plane

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "infra" / "kubernetes"
CRDS = KUBERNETES / "crds"


def kustomized(kubectl: str, folder: Path) -> bytes:
    """Return the manifests of a kustomization as YAML."""
    return subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, check=True, timeout=60).stdout


def apply(kubectl: str, plane: control_plane.ControlPlane, manifests: bytes) -> str:
    """Apply the manifests and wait for the CRDs among them; return kubectl's output."""
    admin = [kubectl, "--kubeconfig", str(plane.kubeconfig)]
    done = subprocess.run([*admin, "apply", "--filename", "-"], input=manifests, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"]
    subprocess.run([*admin, *established], check=True, capture_output=True, timeout=60)
    return done.stdout.decode()
