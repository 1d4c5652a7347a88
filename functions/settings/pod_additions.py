"""Settings of additions to the pods of attempts. Fields that the product sets cannot be changed.

A clash is an error when a function starts, and names the setting. Namespaces of runs enforce Pod Security "restricted";
what it refuses of volumes and sidecars is refused here too, since every pod would be.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from functions.settings.kubernetes_fields import (
    Affinity,
    Container,
    LabelKey,
    LabelValue,
    Toleration,
    TopologySpread,
    Volume,
    VolumeMount,
    labels_of,
    names,
)
from functions.settings.types import ObjectName, Section

Object = Mapping[str, Any]

OUR_LABELS = ("agents.platform/", "app.kubernetes.io/", "batch.kubernetes.io/", "job-name", "controller-uid")
"""Of the functions, the NetworkPolicy of agents and the Job controller."""
OUR_ANNOTATIONS = ("agents.platform/", "kubectl.kubernetes.io/default-container")
OUR_CONTAINERS = frozenset({"agent", "broker"})
OUR_VOLUMES = frozenset({"task-files", "workspace", "home", "tmp", "credentials", "model-credential", "broker"})
"""Names of a pod's own containers and volumes (manifests/pod.py)."""
SHARED_VOLUMES = frozenset({"workspace"})
"""Of those, what a sidecar may mount."""
OUR_PATHS = ("/config", "/workspace", "/home/agent", "/tmp", "/secrets", "/etc/claude-code", "/run/broker")  # noqa: S108

RESTRICTED_VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
"""The kinds that Pod Security "restricted" allows (Pod Security Standards, Volume Types)."""


class PodSettings(Section):
    """Additions to every attempt's pod; lists and mappings below the keys are as in the Kubernetes API."""

    labels: dict[LabelKey, LabelValue] = {}
    annotations: dict[LabelKey, str] = {}
    node_selector: dict[LabelKey, LabelValue] = {}
    tolerations: list[Toleration] = []
    affinity: Affinity = {}
    topology_spread_constraints: list[TopologySpread] = []
    priority_class_name: ObjectName = ""
    runtime_class_name: ObjectName = ""
    service_account_name: Annotated[
        ObjectName, Field(description="For workload identity; its token is not mounted for the Kubernetes API.")
    ] = ""
    volumes: Annotated[list[Volume], Field(description="Further volumes, for volume_mounts and sidecars.")] = []
    volume_mounts: Annotated[
        list[VolumeMount], Field(description="Where the agent's container has them, such as a CA bundle.")
    ] = []
    sidecars: Annotated[
        list[Container],
        Field(
            description="Containers beside the agent's. With restartPolicy: Always they start before it "
            "(Kubernetes 1.29); others are stopped after it has ended."
        ),
    ] = []

    @model_validator(mode="after")
    def _without_clashes(self) -> Self:
        problems = [*self._metadata(), *self._volumes(), *self._mounts(), *self._sidecars()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _metadata(self) -> Iterator[str]:
        for setting, given, ours in (
            ("labels", self.labels, OUR_LABELS),
            ("annotations", self.annotations, OUR_ANNOTATIONS),
        ):
            for key in labels_of(ours, given):
                yield f"{setting}: {key} is set by the product; remove it"

    def _volumes(self) -> Iterator[str]:
        yield from _taken("volumes", names(self.volumes), OUR_VOLUMES)
        for volume in self.volumes:
            kinds = volume.keys() - {"name"}
            if len(kinds) != 1 or not kinds <= RESTRICTED_VOLUMES:
                named = ", ".join(sorted(kinds)) or "no kind"
                allowed = ", ".join(sorted(RESTRICTED_VOLUMES))
                yield f"volumes: {volume['name']} has {named}; Pod Security restricted allows one of {allowed}"

    def _mounts(self) -> Iterator[str]:
        secret = {str(volume["name"]) for volume in self.volumes if _has_secret(volume)}
        for mount in self.volume_mounts:
            if mount["name"] not in names(self.volumes):
                yield f"volume_mounts: {mount['name']} is not one of job.pod.volumes"
            if mount["name"] in secret:
                yield f"volume_mounts: {mount['name']} holds a secret; the agent's container has none"
            clash = next((path for path in OUR_PATHS if _overlap(path, mount["mountPath"])), None)
            if clash:
                yield f"volume_mounts: {mount['mountPath']} overlaps {clash}, which the product mounts"

    def _sidecars(self) -> Iterator[str]:
        yield from _taken("sidecars", names(self.sidecars), OUR_CONTAINERS)
        for sidecar in self.sidecars:
            for problem in _sidecar_problems(sidecar, {*names(self.volumes), *SHARED_VOLUMES}):
                yield f"sidecars: {sidecar['name']} {problem}"


def _taken(setting: str, given: list[str], ours: frozenset[str]) -> Iterator[str]:
    for name, count in Counter(given).items():
        if name in ours:
            yield f"{setting}: {name} is a name of the product's own; choose another"
        if count > 1:
            yield f"{setting}: {name} is there {count} times"


def _overlap(one: str, other: str) -> bool:
    """Return whether one path is the other or above it."""
    a, b = PurePosixPath(one), PurePosixPath(other)
    return a == b or a in b.parents or b in a.parents


def _has_secret(volume: Object) -> bool:
    """Return whether the volume shows a Secret or a token."""
    parts = volume.get("projected", {}).get("sources", [])
    return "secret" in volume or any({"secret", "serviceAccountToken"} & part.keys() for part in parts)


def _sidecar_problems(sidecar: Object, volumes: set[str]) -> Iterator[str]:
    if not sidecar.get("image"):
        yield "has no image"
    if sidecar.get("restartPolicy", "Always") != "Always":
        yield "has another restartPolicy than Always"
    missing = [mount["name"] for mount in sidecar.get("volumeMounts", []) if mount["name"] not in volumes]
    if missing:
        yield f"mounts {', '.join(missing)}, which may only be job.pod.volumes or {', '.join(SHARED_VOLUMES)}"
    yield from (f"sets securityContext.{field}" + UNRESTRICTED for field in _loosened(sidecar))


UNRESTRICTED = ", which Pod Security restricted refuses"


def _loosened(sidecar: Object) -> Iterator[str]:
    security = sidecar.get("securityContext", {})
    refused = {"privileged": True, "allowPrivilegeEscalation": True, "runAsNonRoot": False, "runAsUser": 0}
    yield from (field for field, value in refused.items() if field in security and security[field] == value)
    if set(security.get("capabilities", {}).get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "capabilities.add"
    if security.get("seccompProfile", {}).get("type") == "Unconfined":
        yield "seccompProfile"
