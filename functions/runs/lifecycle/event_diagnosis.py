"""Why a pod does not start, or a Job has no pod, from the Kubernetes Events of the object. Pure.

The status of a pod without its volumes says only ContainerCreating, that of a Job whose pods are rejected says nothing;
their Events name the cause.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from functions.runs.model.reasons import Reason

Event = Mapping[str, Any]
Diagnosis = tuple[Reason, str]
"""A reason and the cluster's words."""

_ATTACHED = "SuccessfulAttachVolume"
_ATTACH_FAILED = "FailedAttachVolume"
_MOUNT_FAILED = "FailedMount"
_SANDBOX_FAILED = "FailedCreatePodSandBox"
_VOLUMES_MOUNTED = frozenset({"Pulling", "Pulled", "Created", "Started"})
"""The kubelet records these only once every volume is mounted (kubelet: events/event.go)."""

_KNOWN = {"FailedScheduling": Reason.UNSCHEDULABLE}
"""Reasons of warnings that have a Reason of their own. All others are shown too."""

_CREATE_FAILED, _CREATED = "FailedCreate", "SuccessfulCreate"
"""Event reasons of a Job (Job controller: pkg/controller/controller_utils.go)."""


def pod_diagnosis(events: Sequence[Event]) -> Diagnosis | None:
    """Return what keeps a pod from starting, from its Events in any order; None if they say nothing against it.

    A sandbox that fails comes first: the kubelet creates it once every volume is mounted, with a normal Event before
    each further try. Then a volume that is not attached: the complaint that it cannot be mounted only follows.
    """
    if any(event.get("reason") in _VOLUMES_MOUNTED for event in events):
        return None
    latest = {event.get("reason", ""): event for event in sorted(events, key=last_seen)}
    if sandbox := latest.get(_SANDBOX_FAILED):
        return _warned(sandbox)
    attach = latest.get(_ATTACH_FAILED)
    if attach and not (_ATTACHED in latest and last_seen(latest[_ATTACHED]) >= last_seen(attach)):
        return Reason.VOLUME_NOT_ATTACHED, attach.get("message") or _ATTACH_FAILED
    mount = latest.get(_MOUNT_FAILED)
    return (Reason.MOUNT_FAILED, mount.get("message") or _MOUNT_FAILED) if mount else _latest_warning(events)


def _latest_warning(events: Sequence[Event]) -> Diagnosis | None:
    """Return the latest Event if it is a warning, whatever its reason; a normal one of the same second outweighs it."""
    latest = max(events, key=lambda event: (last_seen(event), event.get("type") != "Warning"), default=None)
    if latest is None or latest.get("type") != "Warning":
        return None
    return _warned(latest)


def _warned(event: Event) -> Diagnosis:
    reason, message = event.get("reason") or "Warning", event.get("message")
    return _KNOWN.get(reason, Reason.CONTAINER_NOT_STARTING), f"{reason}: {message}" if message else reason


def job_diagnosis(events: Sequence[Event]) -> Diagnosis | None:
    """Return why the pods of a Job are rejected, from its Events in any order; None if one was created since."""
    relevant = [event for event in events if event.get("reason") in (_CREATE_FAILED, _CREATED)]
    latest = max(relevant, key=lambda event: (last_seen(event), event["reason"] == _CREATED), default=None)
    if latest is None or latest["reason"] == _CREATED:
        return None
    words = latest.get("message") or "the cluster refuses its pod"
    return (Reason.QUEUED if is_quota_exceeded(words) else Reason.POD_REFUSED), words


def suspension(events: Sequence[Event]) -> Diagnosis | None:
    """Return what the queue that suspended a Job (Kueue) said of it last; None if it said nothing."""
    latest = max((event for event in events if event.get("message")), key=last_seen, default=None)
    return (Reason.QUEUED, latest["message"]) if latest else None


def last_seen(event: Event) -> str:
    """Return when the Event was last seen: RFC 3339 in UTC, cut to whole seconds. Newer servers fill in `series`."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    created: str = event.get("metadata", {}).get("creationTimestamp") or ""
    return (next((time for time in times if time), created))[:19]


def is_quota_exceeded(words: str) -> bool:
    """Return whether these words of the cluster say that a ResourceQuota has no room. It frees itself."""
    return _QUOTA_EXCEEDED in words


_QUOTA_EXCEEDED = "exceeded quota: "
"""Text of each rejection by a ResourceQuota (apiserver: pkg/admission/plugin/resourcequota/controller.go)."""
