"""The custom resource that a request becomes. Pure."""

from collections.abc import Mapping
from typing import Any

from functions.runs import api_group
from functions.runs.model import naming
from functions.runs.model.api_model import wire
from functions.runs.model.run_spec import RunSpec


def run(
    spec: RunSpec,
    namespace: str,
    name: str | None = None,
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the custom resource; without a `name` the API server generates one."""
    metadata: dict[str, Any] = {
        "namespace": namespace,
        "labels": naming.run_labels(spec) | dict(labels or {}),
        "finalizers": [api_group.FINALIZER],
    }
    metadata |= {"name": name} if name else {"generateName": spec.name_prefix}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": api_group.API_VERSION, "kind": spec.kind.value, "metadata": metadata, "spec": wire(spec)}
