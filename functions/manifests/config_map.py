"""The ConfigMaps in which the functions keep small state. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.runs.model.naming import MANAGED_BY

Object = dict[str, Any]


def config_map(
    name: str,
    namespace: str,
    data: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Object:
    """Return a ConfigMap of the orchestrator's own."""
    metadata: Object = {"name": name, "namespace": namespace, "labels": {**MANAGED_BY, **(labels or {})}}
    if annotations:
        metadata["annotations"] = {**annotations}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {**data}}


@dataclass(frozen=True, slots=True)
class TextConfigMap:
    """A ConfigMap that keeps one text."""

    name: str
    key: str

    def text(self, raw: Mapping[str, Any]) -> str:
        """Return the stored text; empty if there is none."""
        return str((raw.get("data") or {}).get(self.key, ""))

    def new(self, text: str, namespace: str) -> Object:
        """Return the ConfigMap that keeps this text."""
        return config_map(self.name, namespace, {self.key: text})


CONTENT_BUDGET = TextConfigMap("orchestrator-github-content", "used")
"""The requests that created content on GitHub in the last hour."""
REDELIVERY_STATE = TextConfigMap("orchestrator-deliveries", "journal")
"""How far GitHub's deliveries were checked."""
