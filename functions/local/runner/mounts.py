"""The objects that a pod references (ConfigMaps, Secrets, claims), and the kubelet's errors for missing ones."""

import base64
from collections.abc import Mapping
from typing import Any

from functions.cluster.client import Cluster, Object
from functions.cluster.errors import NotFound
from functions.cluster.kinds import CONFIG_MAP, SECRET, VOLUME_CLAIM, Kind

CONFIG_ERROR = "CreateContainerConfigError"
FAILED_MOUNT = "FailedMount"
UNSCHEDULABLE = "Unschedulable"


class NotReadyError(Exception):
    """The pod cannot start yet; `reason` is a container's waiting reason, FAILED_MOUNT or UNSCHEDULABLE."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Sources:
    """The objects referenced by one pod, each read once per start."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.namespace = namespace
        self._cluster = cluster
        self._read: dict[tuple[Kind, str], Mapping[str, bytes] | None] = {}

    def config_map(self, name: str) -> Mapping[str, bytes] | None:
        """Return its files; None if the ConfigMap does not exist."""
        return self._files(CONFIG_MAP, name)

    def secret(self, name: str) -> Mapping[str, bytes] | None:
        """Return its files; None if the Secret does not exist."""
        return self._files(SECRET, name)

    def bind(self, claim: str) -> None:
        """Bind the claim to a volume; raise NotReadyError if it does not exist."""
        try:
            volume_claim = self._cluster.get(VOLUME_CLAIM, self.namespace, claim)
        except NotFound:
            message = f'0/1 nodes are available: persistentvolumeclaim "{claim}" not found.'
            raise NotReadyError(UNSCHEDULABLE, message) from None
        if (volume_claim.get("status") or {}).get("phase") != "Bound":
            spec = volume_claim.get("spec") or {}
            capacity = (spec.get("resources") or {}).get("requests") or {}
            status = {"phase": "Bound", "accessModes": spec.get("accessModes") or [], "capacity": capacity}
            self._cluster.patch(VOLUME_CLAIM, self.namespace, claim, {"status": status}, "status")

    def _files(self, kind: Kind, name: str) -> Mapping[str, bytes] | None:
        key = kind, name
        if key not in self._read:
            self._read[key] = self._fetch(kind, name)
        return self._read[key]

    def _fetch(self, kind: Kind, name: str) -> Mapping[str, bytes] | None:
        try:
            item = self._cluster.get(kind, self.namespace, name)
        except NotFound:
            return None
        return _decode(kind, item)


def _decode(kind: Kind, item: Object) -> dict[str, bytes]:
    data: Mapping[str, Any] = item.get("data") or {}
    if kind is SECRET:
        return {key: base64.b64decode(value) for key, value in data.items()}
    binary = item.get("binaryData") or {}
    texts = {key: text.encode() for key, text in data.items()}
    return texts | {key: base64.b64decode(value) for key, value in binary.items()}
