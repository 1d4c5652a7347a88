"""The table columns of the built-in kinds; source: k8s.io/kubernetes/pkg/printers/internalversion."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.local.apiserver.durations import human_duration
from functions.local.apiserver.errors import Obj

NONE = "<none>"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its header, and the function that returns its cell for an object at a given time.

    Wide columns are shown with `-o wide` only.
    """

    name: str
    cell: Callable[[Obj, datetime], Any]
    wide: bool = False
    type: str = "string"
    format: str = ""
    description: str = ""

    def definition(self) -> Obj:
        """Return the entry in `columnDefinitions`."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": int(self.wide),
        }


def ago(timestamp: Any, now: datetime) -> str:
    """Return how long ago an RFC 3339 time was, as kubectl prints it."""
    if not isinstance(timestamp, str):
        return "<unknown>"
    return human_duration((now - datetime.fromisoformat(timestamp)).total_seconds())


def _age(obj: Obj, now: datetime) -> str:
    return ago(obj["metadata"].get("creationTimestamp"), now)


def _name(obj: Obj, _: datetime) -> str:
    return str(obj["metadata"]["name"])


def _conditions(obj: Obj) -> dict[str, str]:
    conditions = obj.get("status", {}).get("conditions") or []
    return {condition.get("type", ""): condition.get("status", "") for condition in conditions}


def _job_status(obj: Obj, _: datetime) -> str:
    conditions = _conditions(obj)
    for condition in ("Complete", "Failed", "Suspended"):
        if conditions.get(condition) == "True":
            return condition
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    return "FailureTarget" if conditions.get("FailureTarget") == "True" else "Running"


def _job_completions(obj: Obj, _: datetime) -> str:
    spec, succeeded = obj["spec"], obj.get("status", {}).get("succeeded", 0)
    if "completions" in spec:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism", 0)
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _job_duration(obj: Obj, now: datetime) -> str:
    status = obj.get("status", {})
    if "startTime" not in status:
        return ""
    end = status.get("completionTime")
    return ago(status["startTime"], datetime.fromisoformat(end) if end else now)


def _containers(field: str) -> Callable[[Obj, datetime], str]:
    def cell(obj: Obj, _: datetime) -> str:
        return ",".join(container.get(field, "") for container in obj["spec"]["template"]["spec"]["containers"])

    return cell


def _job_selector(obj: Obj, _: datetime) -> str:
    labels = obj["spec"].get("selector", {}).get("matchLabels", {})
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or NONE


def _container_statuses(obj: Obj) -> list[Obj]:
    return obj.get("status", {}).get("containerStatuses") or []


def _pod_ready(obj: Obj, _: datetime) -> str:
    statuses = _container_statuses(obj)
    ready = sum(bool(status.get("ready") and "running" in status.get("state", {})) for status in statuses)
    return f"{ready}/{len(obj['spec']['containers'])}"


def _pod_status(obj: Obj, _: datetime) -> str:
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    for status in _container_statuses(obj):
        state = status.get("state") or {}
        for phase in ("waiting", "terminated"):
            reason = (state.get(phase) or {}).get("reason")
            if reason:
                return str(reason)
    status = obj.get("status", {})
    return str(status.get("reason") or status.get("phase", ""))


def _pod_restarts(obj: Obj, _: datetime) -> int:
    return sum(status.get("restartCount", 0) for status in _container_statuses(obj))


def _status_field(name: str) -> Callable[[Obj, datetime], str]:
    return lambda obj, _: str(obj.get("status", {}).get(name) or NONE)


def _node(obj: Obj, _: datetime) -> str:
    return str(obj["spec"].get("nodeName") or NONE)


def _entries(*fields: str) -> Callable[[Obj, datetime], int]:
    return lambda obj, _: sum(len(obj.get(field) or {}) for field in fields)


def _claim_status(obj: Obj, _: datetime) -> str:
    return "Terminating" if "deletionTimestamp" in obj["metadata"] else str(obj["status"].get("phase", ""))


MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _claim_modes(obj: Obj, _: datetime) -> str:
    return ",".join(MODES.get(mode, mode) for mode in obj["status"].get("accessModes") or [])


def _claim_capacity(obj: Obj, _: datetime) -> str:
    return str((obj["status"].get("capacity") or {}).get("storage", ""))


def _spec_field(name: str) -> Callable[[Obj, datetime], str]:
    return lambda obj, _: str(obj.get("spec", {}).get(name) or "")


def _event_last_seen(obj: Obj, now: datetime) -> str:
    return ago(obj.get("lastTimestamp") or obj.get("eventTime") or obj.get("firstTimestamp"), now)


def _event_object(obj: Obj, _: datetime) -> str:
    involved = obj.get("involvedObject", {})
    return f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"


def _text(name: str) -> Callable[[Obj, datetime], str]:
    return lambda obj, _: str(obj.get(name) or "").strip()


NAME = Column("Name", _name, format="name")
AGE = Column("Age", _age)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "configmaps": (NAME, Column("Data", _entries("data", "binaryData")), AGE),
    "events": (
        Column("Last Seen", _event_last_seen),
        Column("Type", _text("type")),
        Column("Reason", _text("reason")),
        Column("Object", _event_object),
        Column("Message", _text("message")),
        Column("Count", lambda obj, _: obj.get("count", 1), wide=True, type="integer"),
        Column("Name", _name, wide=True, format="name"),
    ),
    "jobs.batch": (
        NAME,
        Column("Status", _job_status),
        Column("Completions", _job_completions),
        Column("Duration", _job_duration),
        AGE,
        Column("Containers", _containers("name"), wide=True),
        Column("Images", _containers("image"), wide=True),
        Column("Selector", _job_selector, wide=True),
    ),
    "namespaces": (NAME, Column("Status", _status_field("phase")), AGE),
    "persistentvolumeclaims": (
        NAME,
        Column("Status", _claim_status),
        Column("Volume", _spec_field("volumeName")),
        Column("Capacity", _claim_capacity),
        Column("Access Modes", _claim_modes),
        Column("StorageClass", _spec_field("storageClassName")),
        AGE,
        Column("VolumeMode", _spec_field("volumeMode"), wide=True),
    ),
    "pods": (
        NAME,
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _pod_restarts, type="integer"),
        AGE,
        Column("IP", _status_field("podIP"), wide=True),
        Column("Node", _node, wide=True),
    ),
    "secrets": (NAME, Column("Type", _text("type")), Column("Data", _entries("data")), AGE),
    "customresourcedefinitions.apiextensions.k8s.io": (
        NAME,
        Column("Created At", lambda obj, _: obj["metadata"]["creationTimestamp"], type="date"),
    ),
}
