"""Applies the manifests of infra/kubernetes to a real control plane."""

import itertools
import subprocess
from pathlib import Path
from typing import Any

from functions.cluster.kinds import Kind
from tests.support import control_plane

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "infra" / "kubernetes"
CRDS = KUBERNETES / "crds"
Right = tuple[str, str, str]
"""Verb, API group, resource."""


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


def rights(role: Any) -> list[Right]:
    """Return the rights of the rules of a Role."""
    rules = ((rule["verbs"], rule["apiGroups"], rule["resources"]) for rule in role["rules"])
    return [right for rule in rules for right in itertools.product(*rule)]


def definition(kind: Kind) -> dict[str, Any]:
    """Return a substitute of a foreign CRD that accepts every object."""
    group, version = kind.api_version.split("/")
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    names = {"kind": kind.name, "plural": kind.plural, "singular": kind.name.lower(), "listKind": f"{kind.name}List"}
    served = {"name": version, "served": True, "storage": True, "schema": schema}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [served]},
    }
