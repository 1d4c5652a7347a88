"""ConfigMaps that keep small state. A write goes to the version that was read, and to no later one."""

from collections.abc import Mapping
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import AlreadyExists, Conflict, NotFound
from functions.cluster.kinds import CONFIG_MAP

Object = dict[str, Any]


class ConfigMapStore:
    """The ConfigMaps of one namespace. Every method raises the errors of `cluster.errors`."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self.namespace = cluster, namespace

    def find(self, name: str) -> Object | None:
        """Return the ConfigMap, or None if there is none of that name."""
        try:
            return self._cluster.get(CONFIG_MAP, self.namespace, name)
        except NotFound:
            return None

    def has_any(self, labels: str) -> bool:
        """Return whether a ConfigMap matches the label selector."""
        return any(self._cluster.list(CONFIG_MAP, self.namespace, labels))

    def create(self, item: Object) -> Object:
        """Return the created ConfigMap; raise AlreadyExists if its name is taken."""
        return self._cluster.create(CONFIG_MAP, item)

    def save(self, before: Object | None, wanted: Object) -> Object:
        """Write `wanted` over `before`, the version that was read (None: there was none); return what is stored.

        Raises:
            Conflict: another process has created, changed or deleted the ConfigMap since.
        """
        try:
            if before is None:
                return self.create(wanted)
            patch = merge_patch(before, wanted)
            return (
                self._cluster.patch(CONFIG_MAP, self.namespace, wanted["metadata"]["name"], patch) if patch else before
            )
        except (AlreadyExists, NotFound) as error:
            raise Conflict(str(error)) from error

    def delete(self, item: Mapping[str, Any]) -> None:
        """Delete this version; raise Conflict or NotFound if it is no longer the present one."""
        metadata = item["metadata"]
        uid, version = metadata["uid"], metadata["resourceVersion"]
        self._cluster.delete(CONFIG_MAP, metadata["namespace"], metadata["name"], uid, version)


def merge_patch(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> Object | None:
    """Return the JSON merge patch that gives `before` the data and annotations of `wanted`; None if it has them.

    The patch applies to this version of `before` only. Annotations that `wanted` does not name stay.
    """
    data = _changes(before.get("data") or {}, wanted["data"])
    data |= dict.fromkeys((before.get("data") or {}).keys() - wanted["data"].keys())
    annotations = _changes(before["metadata"].get("annotations") or {}, wanted["metadata"].get("annotations") or {})
    if not (data or annotations):
        return None
    return {
        "metadata": {"resourceVersion": before["metadata"]["resourceVersion"], "annotations": annotations},
        "data": data,
    }


def _changes(before: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str | None]:
    return {key: text for key, text in wanted.items() if before.get(key) != text}
