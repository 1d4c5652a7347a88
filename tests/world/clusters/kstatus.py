"""The rules by which kstatus computes the status of a custom resource, as Flux and Argo CD's sync waves do.

Source: sigs.k8s.io/cli-utils, pkg/kstatus/status: checkGenericProperties, then checkReadyCondition.
"""

from collections.abc import Mapping
from typing import Any


def computed(raw: Mapping[str, Any]) -> str:
    """Return `Terminating`, `InProgress`, `Failed` or `Current`."""
    metadata, status = raw["metadata"], raw.get("status") or {}
    if "deletionTimestamp" in metadata:
        return "Terminating"
    observed = status.get("observedGeneration")
    if observed is not None and observed != metadata["generation"]:
        return "InProgress"
    conditions = status.get("conditions") or []
    for condition in conditions:
        if condition["type"] == "Reconciling" and condition["status"] == "True":
            return "InProgress"
        if condition["type"] == "Stalled" and condition["status"] == "True":
            return "Failed"
    ready = next((condition["status"] for condition in conditions if condition["type"] == "Ready"), "True")
    return "Current" if ready == "True" else "InProgress"
