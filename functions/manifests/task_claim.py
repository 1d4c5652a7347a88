"""A claim on a task: a small ConfigMap that says which run is about to be made for it, so that no other is.

Its name is made from the task and the runs that it had already: of all requests that see the same ones, the API
server lets one create it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from functions.runs import api_group
from functions.runs.model import naming
from functions.runs.model.specs import AnySpec

TASK_CLAIM = api_group.label("task-claim")

HOLDS = timedelta(minutes=1)
"""How long a claim keeps others away where its run is not there: as long as a submit function may take for one
request (infra/terraform/locals.tf). After that nobody makes the run any more."""

KEPT = timedelta(hours=1)
"""When a claim is cleared: who listed the task's runs before its run was there has long been answered by then."""


def of(spec: AnySpec, namespace: str, earlier: Sequence[str], run: str) -> dict[str, Any]:
    """The claim of the run of that name, on the task of `spec` after the runs with the uids `earlier`."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": naming.task_claim(spec, earlier),
            "namespace": namespace,
            "labels": {TASK_CLAIM: "true", "app.kubernetes.io/managed-by": "orchestrator"},
        },
        "immutable": True,
        "data": {"run": run},
    }


def run_of(raw: Mapping[str, Any]) -> str:
    """Name of the run that the task is claimed for."""
    return str(raw["data"]["run"])
