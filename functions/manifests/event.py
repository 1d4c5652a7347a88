"""The Kubernetes Event of a transition: what `kubectl describe` shows below a run."""

from datetime import datetime
from typing import Any

from functions.runs import api_group
from functions.runs.model.reasons import row
from functions.runs.model.run import Run
from functions.runs.model.status import rfc3339


def of(run: Run, now: datetime) -> dict[str, Any] | None:
    """Return the Event of the run's present condition; None if it has none.

    Its name contains the version that the transition was written as, so that it is created once.
    """
    condition = run.status.succeeded
    if condition is None:
        return None
    is_warning = condition.status != "True" and row(condition.reason).is_warning
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{run.name}.{run.resource_version}", "namespace": run.namespace},
        "involvedObject": {
            "apiVersion": api_group.API_VERSION,
            "kind": run.kind.value,
            "name": run.name,
            "namespace": run.namespace,
            "uid": run.uid,
        },
        "type": "Warning" if is_warning else "Normal",
        "reason": condition.reason,
        "message": condition.message[:1000],
        "source": {"component": "orchestrator"},
        "firstTimestamp": rfc3339(now),
        "lastTimestamp": rfc3339(now),
        "count": 1,
    }
