"""Jobs and pods as they were last seen, in a watch, in an answer to a read, or in one to a write of our own."""

from contextlib import suppress

from functions.cluster.client import Cluster, Object
from functions.cluster.errors import NotFound
from functions.cluster.kinds import JOB, POD, Kind


class Objects:
    """Jobs and pods by uid; used by one thread."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._seen: dict[str, dict[str, Object]] = {JOB.name: {}, POD.name: {}}

    def notice(self, kind: str, found: Object, *, gone: bool) -> None:
        """Takes what a watch shows, which may be older than what is known."""
        seen, uid = self._seen[kind], found["metadata"]["uid"]
        if gone:
            seen.pop(uid, None)
        elif uid not in seen or _version(found) > _version(seen[uid]):
            seen[uid] = found

    def get(self, kind: Kind, uid: str) -> Object | None:
        """The object as far as it is known."""
        return self._seen[kind.name].get(uid)

    def find(self, kind: Kind, namespace: str, name: str, uid: str = "") -> Object | None:
        """The object, read now, if it is there and, where a uid is given, has that uid. Raises ClusterError."""
        with suppress(NotFound):
            found = self._cluster.get(kind, namespace, name)
            if found["metadata"]["uid"] == (uid or found["metadata"]["uid"]):
                return self._keep(kind, found)
        return None

    def create(self, kind: Kind, item: Object) -> Object:
        """Creates it. Raises AlreadyExists, ClusterError."""
        return self._keep(kind, self._cluster.create(kind, item))

    def patch(self, kind: Kind, item: Object, patch: Object, subresource: str = "") -> Object:
        """Merges `patch` into the very same object. Raises ClusterError."""
        metadata = item["metadata"]
        patch = patch | {"metadata": {"uid": metadata["uid"]} | patch.get("metadata", {})}
        found = self._cluster.patch(kind, metadata["namespace"], metadata["name"], patch, subresource)
        return self._keep(kind, found)

    def delete(self, kind: Kind, item: Object) -> None:
        """Deletes the very same object, if it is still there. Raises ClusterError."""
        metadata = item["metadata"]
        with suppress(NotFound):
            self._cluster.delete(kind, metadata["namespace"], metadata["name"], metadata["uid"])

    def _keep(self, kind: Kind, found: Object) -> Object:
        self._seen[kind.name][found["metadata"]["uid"]] = found
        return found


def _version(item: Object) -> int:
    """Resource versions of one object are numbers that grow (etcd's revisions, and the embedded server's)."""
    return int(item["metadata"]["resourceVersion"])
