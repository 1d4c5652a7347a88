"""Initial objects of an embedded cluster for a first run: namespace, credentials and a kubeconfig."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import AlreadyExists
from functions.cluster.kinds import NAMESPACE, SECRET, Kind

EXAMPLE_USER = "octocat"
"""GitHub login of runs on the example, which is a directory on this machine; its SSH key is a placeholder."""


def kubeconfig(url: str, namespace: str) -> str:
    """Return a kubeconfig for the embedded API server, which has no authentication."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "orchestrator-dev",
            "clusters": [{"name": "orchestrator-dev", "cluster": {"server": url}}],
            "contexts": [
                {
                    "name": "orchestrator-dev",
                    "context": {"cluster": "orchestrator-dev", "user": "anonymous", "namespace": namespace},
                }
            ],
            "users": [{"name": "anonymous", "user": {}}],
        },
        indent=2,
    )


def create_defaults(cluster: Cluster, namespace: str, api_keys: Mapping[str, Mapping[str, str]]) -> None:
    """Create the namespace and the Secrets that do not exist, those of API keys too; leave existing ones unchanged."""
    _ensure(cluster, NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    placeholder = "no key: this agent user works only on local mirrors\n"
    _secret(cluster, namespace, f"github-ssh-{EXAMPLE_USER}", {"ssh-privatekey": placeholder})
    for name, values in api_keys.items():
        _secret(cluster, namespace, name, values)


def _secret(cluster: Cluster, namespace: str, name: str, values: Mapping[str, str]) -> None:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in values.items()}
    metadata = {"name": name, "namespace": namespace}
    _ensure(cluster, SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})


def _ensure(cluster: Cluster, kind: Kind, item: dict[str, Any]) -> None:
    try:
        cluster.create(kind, item)
    except AlreadyExists:
        return


def write_kubeconfig(folder: Path, url: str, namespace: str) -> Path:
    """Write the kubeconfig to `folder` and return its path."""
    file = folder / "kubeconfig"
    file.write_text(kubeconfig(url, namespace))
    return file
