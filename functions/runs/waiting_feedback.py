"""Marks a run on which feedback arrived during an attempt, so that it is looked up at the attempt's end. Pure."""

from typing import Any

from functions.runs import api_group
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model.run import Run

WAITING = api_group.label("feedback-waiting")
"""Annotation of such a run."""

Patch = dict[str, Any]

MARK: Patch = {"metadata": {"annotations": {WAITING: "true"}}}
CLEAR: Patch = {"metadata": {"annotations": {WAITING: None}}}
"""Merge patches, for any version of the run."""


def is_marked(run: Run) -> bool:
    """Return whether feedback waits for the end of an attempt."""
    return WAITING in (run.raw["metadata"].get("annotations") or {})


def is_due(run: Run) -> bool:
    """Return whether feedback waits and the attempt has ended."""
    at_rest = states.state(run.status) in (State.SUCCEEDED, State.FAILED) and not (run.retry_wanted or run.deleting)
    return at_rest and is_marked(run)
