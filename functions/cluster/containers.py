"""The container of a pod that clients mean who name none (kubectl: annotation of the default container). Pure."""

from collections.abc import Mapping
from typing import Any

DEFAULT = "kubectl.kubernetes.io/default-container"


def default_container(pod: Mapping[str, Any]) -> str:
    """Return the name of the container that the annotation names, else of the first; empty for a pod without a spec."""
    names: list[str] = [container["name"] for container in (pod.get("spec") or {}).get("containers") or ()]
    named = ((pod.get("metadata") or {}).get("annotations") or {}).get(DEFAULT)
    return str(named) if named in names else next(iter(names), "")


def default_state(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the state of that container (waiting, running or terminated); empty before the kubelet reports one."""
    name = default_container(pod)
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((status.get("state") or {} for status in statuses if not name or status["name"] == name), {})
