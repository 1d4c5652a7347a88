"""A claim on a task: a ConfigMap that names the run about to be created for it, so that no other one is. Pure.

Its name is a function of the task and of the runs that it already had: of all requests that see the same runs, one can
create it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from functions.manifests.config_map import config_map
from functions.runs import api_group
from functions.runs.model import naming
from functions.runs.model.run_spec import RunSpec

TASK_CLAIM = api_group.label("task-claim")

HOLDS = timedelta(minutes=1)
"""How long a claim without its run blocks other requests: the longest that a submit function takes for one request
(infra/terraform/locals.tf). After that its run is not created any more."""

KEPT = timedelta(hours=1)
"""When a claim is deleted: requests that listed the task's runs before its run existed were answered long before."""


def of(spec: RunSpec, namespace: str, earlier: Sequence[str], run: str) -> dict[str, Any]:
    """Return the claim of the run of that name, on the task of `spec` after the runs with the uids `earlier`."""
    name = naming.task_claim(spec, earlier)
    return config_map(name, namespace, {"run": run}, {TASK_CLAIM: "true"}) | {"immutable": True}


def run_of(raw: Mapping[str, Any]) -> str:
    """Return the name of the run that the task is claimed for."""
    return str(raw["data"]["run"])
