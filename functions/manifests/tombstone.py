"""The tombstone of a deleted run: a ConfigMap, so that a repeated request creates no second run. Pure.

It is also found by the keys of the requests on the run, so that a repeated one is not applied to another run.
"""

from datetime import datetime
from typing import Any

from functions.manifests.config_map import config_map
from functions.runs import api_group, requests
from functions.runs.model import naming
from functions.runs.model.run import Run
from functions.runs.model.specs import SPECS
from functions.runs.model.status import rfc3339

REQUEST = api_group.label("request")
"""Annotation of a run whose request may be repeated: SHA-256 of the request."""

TOMBSTONE = api_group.label("tombstone")


def of(run: Run, now: datetime) -> dict[str, Any] | None:
    """Return the tombstone of `run`; None for a run that no request can create again."""
    request = run.raw["metadata"].get("annotations", {}).get(REQUEST)
    if not request:
        return None
    name, labels = naming.tombstone(run.kind, run.name), {TOMBSTONE: "true", **_asked(run)}
    data = {"uid": run.uid, "request": request, "deletedAt": rfc3339(now)}
    return config_map(name, run.namespace, data, labels) | {"immutable": True}


def _asked(run: Run) -> dict[str, str]:
    return {requests.label(digest): "true" for digest in requests.applied(run)}


def valid_spec(run: Run) -> dict[str, Any]:
    """Return a merge patch that turns any spec of the run's kind into the smallest valid one."""
    spec = run.raw.get("spec")
    return {**dict.fromkeys(spec if isinstance(spec, dict) else ()), **SPECS[run.kind].smallest}
