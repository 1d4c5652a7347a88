"""The objects of one attempt: task files, workspace claim and Job, all named in the run's status first. Pure."""

from collections.abc import Mapping
from typing import Any

from functions.manifests.pod import CONTAINER_SECURITY, POD_SECURITY, pod_spec
from functions.manifests.pod_additions import with_additions
from functions.runs import api_group
from functions.runs.lifecycle.pod_status import AGENT
from functions.runs.model import naming, trace
from functions.runs.model.reasons import ROWS
from functions.runs.model.run import Run
from functions.settings.job import JobSettings
from functions.settings.model import Settings

Object = dict[str, Any]
KUEUE = "kueue.x-k8s.io/queue-name"
"""Label of a Job that Kueue admits (Kueue: Run A Kubernetes Job)."""
_WORKSPACE = api_group.label("workspace")
"""Label of a workspace claim: the key of the identity and the repository that it is for."""
CHECKSUM = api_group.label("templates-checksum")
"""Annotation of the task files: which templates they were rendered from."""


def labels(run: Run) -> dict[str, str]:
    """Return the labels of all objects created for the open attempt."""
    own = {api_group.label("run"): run.name, api_group.label("attempt"): str(run.status.attempt)}
    return (naming.labels(run.spec) if run.spec else {}) | own


def task_files(run: Run, files: Mapping[str, str], checksum: str) -> Object:
    """Return the ConfigMap of the attempt's task files; it never changes."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(run, run.status.config_map_name) | {"annotations": {CHECKSUM: checksum}},
        "immutable": True,
        "data": dict(files),
    }


def claim(run: Run, settings: JobSettings) -> Object:
    """Return the workspace of a service and agent. It outlives runs, so that it has no owner."""
    spec = run.spec
    assert spec, "a claim is created only for a run with a valid spec"
    requested: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": settings.workspace_size}},
    }
    if settings.workspace_class:
        requested["storageClassName"] = settings.workspace_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": run.status.workspace_name,
            "namespace": run.namespace,
            "labels": workspace_labels(run),
        },
        "spec": requested,
    }


def workspace_labels(run: Run) -> dict[str, str]:
    """Return the labels of the run's workspace claim: service, identity, and a key of identity and repository."""
    kept = (api_group.label("service"), api_group.label("agent"), "app.kubernetes.io/managed-by")
    shared = {key: value for key, value in labels(run).items() if key in kept}
    return shared | ({_WORKSPACE: run.spec.workspace_key} if run.spec else {})


def is_workspace_of(run: Run, claim: Object) -> bool:
    """Return whether the claim is the run's workspace. A claim of an earlier version has no key, and another name."""
    present, wanted = claim["metadata"].get("labels", {}), workspace_labels(run)
    if run.spec and run.status.workspace_name == run.spec.former_workspace:
        wanted[_WORKSPACE] = present.get(_WORKSPACE, "")
    ours = {*wanted, api_group.label("agent")}
    return all(present.get(key, "") == wanted.get(key, "") for key in ours)


def job(run: Run, settings: Settings) -> Object:
    """Return the Job of the open attempt."""
    spec = run.spec
    assert spec, "a Job is created only for a run with a valid spec"
    made = _job(run)
    queue = settings.limits.kueue_queue
    if queue:  # Kueue resumes it once its quota has room
        made["metadata"]["labels"] = {**made["metadata"]["labels"], KUEUE: queue}
    return made | {
        "spec": {
            **({"suspend": True} if queue else {}),
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": deadline(run, settings.job) + _longest_start(settings.job),
            "ttlSecondsAfterFinished": spec.ttl_seconds_after_finished or settings.job.ttl_after_finished,
            "template": with_additions(
                {"metadata": _pod_metadata(run), "spec": pod_spec(run, settings)},
                settings.job.pod,
                CONTAINER_SECURITY,
            ),
        }
    }


def _pod_metadata(run: Run) -> Object:
    """Return the metadata of the pod; kubectl takes the agent's container where none is named."""
    return {"labels": labels(run), "annotations": {"kubectl.kubernetes.io/default-container": AGENT}}


def fence(run: Run) -> Object:
    """Return a Job that reserves the name of the attempt's Job and never starts a pod.

    It is hardened like a real one: a cluster may reject Jobs by what their pods would be.
    """
    security = {"securityContext": {**CONTAINER_SECURITY}}
    container = {"name": "agent", "image": "none", "command": ["false"], **security}
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {**POD_SECURITY},
        "containers": [container],
    }
    return _job(run) | {
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 0,
            "template": {"spec": pod},
        }
    }


def deadline(run: Run, settings: JobSettings) -> int:
    """Return the longest the attempt may take, in seconds from the start of its container, which ends itself then."""
    wanted = run.spec.timeout_seconds if run.spec else None
    return wanted or settings.deadline(run.kind)


def _longest_start(settings: JobSettings) -> int:
    """Return the seconds that a Job's own deadline, which runs from its creation, adds for its pod to start."""
    return max(settings.pending_wait, *(int(row.min_wait.total_seconds()) for row in ROWS.values()))


def _job(run: Run) -> Object:
    metadata = _metadata(run, run.status.job_name)
    notes = trace.to_annotations(trace.from_object(run.raw))
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata | ({"annotations": notes} if notes else {})}


def _metadata(run: Run, name: str | None) -> Object:
    assert name, "names are recorded in the status before anything is created"
    return {
        "name": name,
        "namespace": run.namespace,
        "labels": labels(run),
        "ownerReferences": [run.owner_reference],
    }
