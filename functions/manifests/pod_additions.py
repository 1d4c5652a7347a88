"""Adds the settings `job.pod` to an attempt's pod, without replacing what the product sets. Pure."""

from collections.abc import Mapping
from typing import Any

from functions.settings.pod_additions import PodSettings

Object = dict[str, Any]


def with_additions(template: Object, pod: PodSettings, security: Mapping[str, Any]) -> Object:
    """Return the pod template with the additions; `security` is the least that each sidecar's securityContext has."""
    return {
        "metadata": _metadata(template["metadata"], pod),
        "spec": _scheduling(pod) | _containers(template["spec"], pod, security),
    }


def _metadata(metadata: Object, pod: PodSettings) -> Object:
    labels = {**pod.labels, **metadata["labels"]}
    annotations = {**pod.annotations, **metadata.get("annotations", {})}
    return {**metadata, "labels": labels, **({"annotations": annotations} if annotations else {})}


def _scheduling(pod: PodSettings) -> Object:
    """Return the fields of a pod's spec that the product leaves to the installation, without empty ones."""
    fields = {
        "nodeSelector": pod.node_selector,
        "tolerations": pod.tolerations,
        "affinity": pod.affinity,
        "topologySpreadConstraints": pod.topology_spread_constraints,
        "priorityClassName": pod.priority_class_name,
        "runtimeClassName": pod.runtime_class_name,
        "serviceAccountName": pod.service_account_name,
    }
    return {name: value for name, value in fields.items() if value}


def _containers(spec: Object, pod: PodSettings, security: Mapping[str, Any]) -> Object:
    sidecars = [{**sidecar, "securityContext": _security(sidecar, security)} for sidecar in pod.sidecars]
    native = [sidecar for sidecar in sidecars if "restartPolicy" in sidecar]
    beside = [sidecar for sidecar in sidecars if "restartPolicy" not in sidecar]
    containers = [_with_mounts(container, pod) for container in spec["containers"]]
    first = [*native, *spec.get("initContainers", [])]
    return {
        **spec,
        "volumes": [*spec["volumes"], *pod.volumes],
        "containers": [*containers, *beside],
        **({"initContainers": first} if first else {}),
    }


def _security(sidecar: Object, least: Mapping[str, Any]) -> Object:
    """Return the sidecar's own security context over the least; dropped capabilities stay dropped."""
    own = sidecar.get("securityContext", {})
    return {**least, **own, "capabilities": {**own.get("capabilities", {}), **least["capabilities"]}}


def _with_mounts(container: Object, pod: PodSettings) -> Object:
    if container["name"] != "agent" or not pod.volume_mounts:
        return container
    return {**container, "volumeMounts": [*container["volumeMounts"], *pod.volume_mounts]}
