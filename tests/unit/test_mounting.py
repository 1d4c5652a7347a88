"""The diagnosis from the Events of a pod that does not start.

| Events                                   | diagnosis                                          |
|------------------------------------------|----------------------------------------------------|
| none, or only of scheduling              | none                                               |
| FailedMount, once or again               | MountFailed, with the kubelet's last message       |
| FailedAttachVolume, FailedMount after it | VolumeNotAttached: the mount is a consequence      |
| ... and attached since                   | MountFailed, or none                               |
| the image is pulled afterwards           | none: every volume is mounted                      |

Events are read only for a pod without an explanation in its status, and only after a while.
"""

from datetime import timedelta
from typing import Any

import pytest

from functions.runs.lifecycle import actions, transitions
from functions.runs.lifecycle.decide import decide
from functions.runs.lifecycle.event_diagnosis import pod_diagnosis
from functions.runs.lifecycle.live_job import READ_EVENTS_AFTER
from functions.runs.lifecycle.observed import Observed
from functions.runs.lifecycle.retries import Policy
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from tests.support.builders import NOW, POLICY, job, pod, run, with_attempt

MINUTE = timedelta(minutes=1)


def seen(reason: str, minute: int, message: str = "", **more: Any) -> dict[str, Any]:
    return {"reason": reason, "message": message or f"{reason} at {minute}", **at(minute), **more}


def at(minute: int) -> dict[str, Any]:
    return {"lastTimestamp": f"2026-01-02T03:{minute:02}:00Z", "metadata": {}}


SCHEDULED = seen("Scheduled", 0)
MOUNT = seen("FailedMount", 1, 'configmap "x" not found')
ATTACH = seen("FailedAttachVolume", 2, "Multi-Attach error for volume v")


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([], None),
        ([SCHEDULED], None),
        ([MOUNT, SCHEDULED], (Reason.MOUNT_FAILED, 'configmap "x" not found')),
        ([seen("FailedMount", 3, "last"), MOUNT], (Reason.MOUNT_FAILED, "last")),
        ([{**MOUNT, "message": ""}], (Reason.MOUNT_FAILED, "FailedMount")),
        ([ATTACH, seen("FailedMount", 4)], (Reason.VOLUME_NOT_ATTACHED, "Multi-Attach error for volume v")),
        ([seen("SuccessfulAttachVolume", 3), ATTACH], None),
        ([seen("SuccessfulAttachVolume", 3), ATTACH, MOUNT], (Reason.MOUNT_FAILED, 'configmap "x" not found')),
        ([seen("SuccessfulAttachVolume", 1), ATTACH], (Reason.VOLUME_NOT_ATTACHED, ATTACH["message"])),
        ([MOUNT, seen("Pulling", 2)], None),
    ],
)
def test_pod_events_lead_to_a_diagnosis(events: list[dict[str, Any]], found: tuple[Reason, str] | None) -> None:
    assert pod_diagnosis(events) == found


@pytest.mark.parametrize(
    "when",
    [
        {"series": {"lastObservedTime": "2026-01-02T03:09:00.123456Z"}, "eventTime": "2026-01-02T03:00:00.000000Z"},
        {"lastTimestamp": None, "eventTime": "2026-01-02T03:09:00.000000Z"},
        {"lastTimestamp": None, "metadata": {"creationTimestamp": "2026-01-02T03:09:00Z"}},
    ],
)
def test_the_latest_event_counts_in_every_time_format(when: dict[str, Any]) -> None:
    newer = {**MOUNT, "lastTimestamp": None, "message": "newer", **when}
    assert pod_diagnosis([newer, MOUNT]) == pod_diagnosis([MOUNT, newer]) == (Reason.MOUNT_FAILED, "newer")


def next_for(found: Run, status: dict[str, Any], after: timedelta) -> actions.Action:
    seen_pod = pod("Pending", exit_code=None, **status)
    return decide(Observed(found, job(found.status.job_name or ""), [seen_pod]), NOW + after, POLICY)


def test_events_are_read_only_for_an_unexplained_pod_after_a_while() -> None:
    creating = {"containerStatuses": [{"name": "agent", "state": {"waiting": {"reason": "ContainerCreating"}}}]}
    image = {
        "containerStatuses": [{"name": "agent", "state": {"waiting": {"reason": "ErrImagePull", "message": "none"}}}]
    }
    assert next_for(with_attempt(run()), creating, READ_EVENTS_AFTER) == actions.ReadEvents("p")
    assert next_for(with_attempt(run()), {}, READ_EVENTS_AFTER) == actions.ReadEvents("p")
    assert next_for(with_attempt(run()), creating, READ_EVENTS_AFTER - timedelta(seconds=1)) == actions.Nothing()
    assert isinstance(next_for(with_attempt(run()), image, READ_EVENTS_AFTER), actions.WriteStatus)


@pytest.mark.parametrize(
    ("reason", "configured", "waits"),
    [
        (Reason.MOUNT_FAILED, 2, 2),
        (Reason.MOUNT_FAILED, 15, 15),
        (Reason.VOLUME_NOT_ATTACHED, 2, 10),
        (Reason.VOLUME_NOT_ATTACHED, 15, 15),
    ],
)
def test_the_wait_for_an_attached_volume_is_at_least_10_minutes(reason: Reason, configured: int, waits: int) -> None:
    policy = Policy(max_retries=1, backoff=timedelta(), pending_wait=configured * MINUTE)
    fresh = with_attempt(run())
    shown = fresh.with_status(transitions.pending(fresh, reason, "why", NOW))
    assert not policy.gives_up(shown, NOW + waits * MINUTE - timedelta(seconds=1))
    assert policy.gives_up(shown, NOW + waits * MINUTE)
