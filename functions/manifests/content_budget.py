"""The requests that created content on GitHub in the last hour, as a ConfigMap with one text. Pure."""

from collections.abc import Mapping
from typing import Any

NAME = "orchestrator-github-content"

Object = dict[str, Any]


def text(raw: Mapping[str, Any]) -> str:
    """Return the stored text; empty if there is none."""
    return str((raw.get("data") or {}).get("used", ""))


def new(used: str, namespace: str) -> Object:
    """Return the ConfigMap that keeps this text."""
    labels = {"app.kubernetes.io/managed-by": "orchestrator"}
    metadata = {"name": NAME, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"used": used}}
