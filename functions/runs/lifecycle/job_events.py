"""Why a Job has no pod: its status does not say, its Events do.

A quota that is used up, an admission webhook or a Pod Security level refuses the pod; the Job stays, and its
controller tries again for as long as the Job may be active.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from functions.runs.lifecycle.event_diagnosis import last_seen
from functions.runs.model.reasons import Reason

_FAILED, _MADE = "FailedCreate", "SuccessfulCreate"
"""Reasons of Events (Job controller: pkg/controller/controller_utils.go)."""


def job_diagnosis(events: Sequence[Mapping[str, Any]]) -> tuple[Reason, str] | None:
    """Reason and the cluster's words, from the Events of one Job in any order; None where a pod was made since."""
    told = [event for event in events if event.get("reason") in (_FAILED, _MADE)]
    latest = max(told, key=lambda event: (last_seen(event), event["reason"] == _MADE), default=None)
    if latest is None or latest["reason"] == _MADE:
        return None
    return Reason.POD_REFUSED, latest.get("message") or "the cluster refuses its pod"
