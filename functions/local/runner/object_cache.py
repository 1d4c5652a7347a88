"""A cache of Jobs and pods, updated by watches and by the responses to reads and writes."""

from contextlib import suppress

from functions.cluster.client import Cluster, Object
from functions.cluster.errors import NotFound
from functions.cluster.kinds import JOB, POD, Kind


class ObjectCache:
    """Jobs and pods by uid; for one thread."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._cache: dict[str, dict[str, Object]] = {JOB.name: {}, POD.name: {}}

    def observe(self, kind: str, item: Object, *, deleted: bool) -> None:
        """Apply an object of a watch event, which may be older than the cached one."""
        cached, uid = self._cache[kind], item["metadata"]["uid"]
        if deleted:
            cached.pop(uid, None)
        elif uid not in cached or _version(item) > _version(cached[uid]):
            cached[uid] = item

    def get(self, kind: Kind, uid: str) -> Object | None:
        """Return the cached object; None if it is not cached."""
        return self._cache[kind.name].get(uid)

    def find(self, kind: Kind, namespace: str, name: str, uid: str = "") -> Object | None:
        """Read the object; return None if it does not exist or has another uid than given. Raise ClusterError."""
        with suppress(NotFound):
            item = self._cluster.get(kind, namespace, name)
            if item["metadata"]["uid"] == (uid or item["metadata"]["uid"]):
                return self._store(kind, item)
        return None

    def create(self, kind: Kind, item: Object) -> Object:
        """Create the object; raise AlreadyExists or ClusterError."""
        return self._store(kind, self._cluster.create(kind, item))

    def patch(self, kind: Kind, item: Object, patch: Object, subresource: str = "") -> Object:
        """Merge `patch` into the object with the same uid; raise ClusterError."""
        metadata = item["metadata"]
        patch = patch | {"metadata": {"uid": metadata["uid"]} | patch.get("metadata", {})}
        updated = self._cluster.patch(kind, metadata["namespace"], metadata["name"], patch, subresource)
        return self._store(kind, updated)

    def delete(self, kind: Kind, item: Object) -> None:
        """Delete the object with the same uid, if it exists; raise ClusterError."""
        metadata = item["metadata"]
        with suppress(NotFound):
            self._cluster.delete(kind, metadata["namespace"], metadata["name"], metadata["uid"])

    def _store(self, kind: Kind, item: Object) -> Object:
        self._cache[kind.name][item["metadata"]["uid"]] = item
        return item


def _version(item: Object) -> int:
    """Return the resourceVersion, an increasing number on etcd and on the embedded server."""
    return int(item["metadata"]["resourceVersion"])
