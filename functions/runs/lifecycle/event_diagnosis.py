"""Why a pod without its volumes does not start: its status says only ContainerCreating, its Events say the cause."""

from collections.abc import Mapping, Sequence
from typing import Any

from functions.runs.model.reasons import Reason

_FAILED = {"FailedMount": Reason.MOUNT_FAILED, "FailedAttachVolume": Reason.VOLUME_NOT_ATTACHED}
"""Reasons of Events (kubelet: events/event.go; attach/detach controller: Multi-Attach errors too)."""

_ATTACHED = "SuccessfulAttachVolume"
_MOUNTED = frozenset({"Pulling", "Pulled", "Created", "Started"})
"""What the kubelet comes to only when every volume is mounted."""


def pod_diagnosis(events: Sequence[Mapping[str, Any]]) -> tuple[Reason, str] | None:
    """Reason and the cluster's words, from the Events of one pod in any order; None where no volume is to blame.

    A volume that is not attached comes first: the kubelet's complaint that it has nothing to mount only follows.
    """
    if any(event.get("reason") in _MOUNTED for event in events):
        return None
    latest = {event.get("reason", ""): event for event in sorted(events, key=last_seen)}
    attach = latest.get("FailedAttachVolume")
    if attach and _ATTACHED in latest and last_seen(latest[_ATTACHED]) >= last_seen(attach):
        attach = None
    event = attach or latest.get("FailedMount")
    return (_FAILED[event["reason"]], event.get("message") or event["reason"]) if event else None


def last_seen(event: Mapping[str, Any]) -> str:
    """When it was last seen: RFC 3339 in UTC, of which whole seconds are compared; newer servers fill in `series`."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    created: str = event.get("metadata", {}).get("creationTimestamp") or ""
    return (next((time for time in times if time), created))[:19]
