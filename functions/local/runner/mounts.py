"""What a pod refers to: ConfigMaps, Secrets and claims, and the words of a kubelet for those that are not there."""

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
    """A pod cannot start yet; `reason` is a container's waiting reason, FAILED_MOUNT or UNSCHEDULABLE."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Sources:
    """Reads for one start of one pod, each object once."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.namespace = namespace
        self._cluster = cluster
        self._read: dict[tuple[Kind, str], Mapping[str, bytes] | None] = {}

    def config_map(self, name: str) -> Mapping[str, bytes] | None:
        """Its files; None where there is no such ConfigMap."""
        return self._files(CONFIG_MAP, name)

    def secret(self, name: str) -> Mapping[str, bytes] | None:
        """Its files; None where there is no such Secret."""
        return self._files(SECRET, name)

    def bind(self, claim: str) -> None:
        """Gives the claim its volume. Raises NotReadyError where there is no such claim."""
        try:
            found = self._cluster.get(VOLUME_CLAIM, self.namespace, claim)
        except NotFound:
            message = f'0/1 nodes are available: persistentvolumeclaim "{claim}" not found.'
            raise NotReadyError(UNSCHEDULABLE, message) from None
        if (found.get("status") or {}).get("phase") != "Bound":
            spec = found.get("spec") or {}
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
            found = self._cluster.get(kind, self.namespace, name)
        except NotFound:
            return None
        return _decode(kind, found)


def _decode(kind: Kind, found: Object) -> dict[str, bytes]:
    data: Mapping[str, Any] = found.get("data") or {}
    if kind is SECRET:
        return {key: base64.b64decode(value) for key, value in data.items()}
    binary = found.get("binaryData") or {}
    texts = {key: text.encode() for key, text in data.items()}
    return texts | {key: base64.b64decode(value) for key, value in binary.items()}
