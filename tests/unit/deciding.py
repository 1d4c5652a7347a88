"""Runs in each state of their life, and the action that `decide` returns for them."""

import json
from datetime import timedelta
from typing import Any

from functions.runs.lifecycle import actions, transitions
from functions.runs.lifecycle.decide import decide
from functions.runs.lifecycle.observed import NOT_READ, Observed
from functions.runs.model.run import Run
from tests.support.builders import NOW, POLICY, job, pod, run, with_attempt

LATER = NOW + timedelta(seconds=30)
GOOD = json.dumps({"outcome": "succeeded", "reason": "Completed", "message": "done", "commit": "a" * 40})


def started(kind: str = "CodeRun", **changes: Any) -> Run:
    """Return a run whose first attempt is recorded."""
    return with_attempt(run(kind, **changes))


def running(**changes: Any) -> Run:
    """Return a run whose agent was observed as running."""
    found = started(**changes)
    return found.with_status(transitions.running(found, NOW))


def next_for(found: Run, job_seen: Any = NOT_READ, pods: Any = NOT_READ, now: Any = LATER) -> actions.Action:
    """Return the next action; `now` is 30 s after the start by default."""
    return decide(Observed(found, job_seen, pods), now, POLICY)


def name_of(found: Run) -> str:
    """Return the name of the run's Job."""
    return found.status.job_name or ""


def ended_with(reason: str, /, **more: Any) -> tuple[Any, list[Any]]:
    """Return a Job and its pods that failed with a report of `reason`."""
    report = json.dumps({"outcome": "failed", "reason": reason, "message": "why"} | more)
    return job("x", ended="Failed"), [pod("Failed", report=report, exit_code=1)]


def finished(**changes: Any) -> Run:
    """Return a run that succeeded."""
    found = running()
    action = next_for(found, job(name_of(found), ended="Complete"), [pod(report=GOOD)])
    assert isinstance(action, actions.Close)
    return run(status=found.to_status_update(action.status)["status"], **changes)
