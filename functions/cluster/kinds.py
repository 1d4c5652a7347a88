"""The kinds of objects that are used, and their paths on the API server."""

from collections.abc import Mapping
from dataclasses import dataclass

from functions.runs import api_group
from functions.runs.model.kinds import RunKind


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind; `api_version` as in an object, `plural` as in a path."""

    api_version: str
    name: str
    plural: str

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """Return the path of a collection, an object or a subresource; `namespace` None spans all namespaces."""
        root = "/api" if "/" not in self.api_version else "/apis"
        scope = f"/namespaces/{namespace}" if namespace else ""
        parts = (f"{root}/{self.api_version}{scope}/{self.plural}", name, subresource)
        return "/".join(part for part in parts if part)


RUNS: Mapping[str, Kind] = {kind: Kind(api_group.API_VERSION, kind.value, kind.plural) for kind in RunKind}
"""The kinds of run by name."""
DOCS_RUN = RUNS[RunKind.DOCS]
CODE_RUN = RUNS[RunKind.CODE]
JOB = Kind("batch/v1", "Job", "jobs")
POD = Kind("v1", "Pod", "pods")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
SECRET = Kind("v1", "Secret", "secrets")
VOLUME_CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
EVENT = Kind("v1", "Event", "events")
NAMESPACE = Kind("v1", "Namespace", "namespaces")
