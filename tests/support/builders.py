"""Builders of runs, Jobs and pods as an API server returns them; a test gives only the fields that it needs."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.runs import api_group
from functions.runs.lifecycle import transitions
from functions.runs.lifecycle.observed import Job, Pod, parse_job
from functions.runs.lifecycle.pod_status import parse_pod
from functions.runs.lifecycle.retries import Policy
from functions.runs.lifecycle.states import State
from functions.runs.model import naming
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run, parse
from functions.runs.model.specs import SPECS
from functions.runs.model.status import Usage
from functions.settings.model import Settings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UID = "3f2b8a4e-0d7b-4b1e-9a53-6f1e0c7d9a11"
POLICY = Policy(max_retries=1, backoff=timedelta(seconds=10), pending_wait=timedelta(minutes=15))

DOCS_SPEC: Mapping[str, Any] = {
    "repositoryUrl": "https://git.example/shop.git",
    "sourceBranch": "main",
    "model": "claude-opus-4-20250514",
    "githubUser": "octocat",
}
CODE_SPEC: Mapping[str, Any] = {
    "taskId": 3,
    "service": "api",
    "repositoryUrl": "https://git.example/shop.git",
    "platformRepositoryUrl": "https://git.example/shop.git",
    "model": "claude-3-5-sonnet-20241022",
    "githubApp": "5DLabs-Rex",
}


IMAGES = {"agent": {"image": "registry.example/agent"}, "broker": {"image": "registry.example/orchestrator"}}


def settings(**sections: Any) -> Settings:
    """Return settings with images and the given sections."""
    return Settings.model_validate({**IMAGES, **sections})


def raw_run(
    kind: str = "CodeRun", spec: Mapping[str, Any] | None = None, status: Any = None, **metadata: Any
) -> dict[str, Any]:
    """Return the object of a run as submit creates it, with our finalizer."""
    base = dict(DOCS_SPEC if kind == "DocsRun" else CODE_SPEC)
    found: dict[str, Any] = {
        "apiVersion": api_group.API_VERSION,
        "kind": kind,
        "metadata": {
            "name": "run-1",
            "namespace": "orchestrator",
            "uid": UID,
            "resourceVersion": "7",
            "generation": 1,
            "creationTimestamp": "2026-01-02T03:00:00Z",
            "finalizers": [api_group.FINALIZER],
            **metadata,
            "labels": naming.labels(SPECS[kind].model_validate(base)) | metadata.get("labels", {}),
        },
        "spec": base | dict(spec or {}),
    }
    if status is not None:
        found["status"] = status
    return found


def run(kind: str = "CodeRun", spec: Mapping[str, Any] | None = None, status: Any = None, **metadata: Any) -> Run:
    """Return `raw_run`, parsed."""
    return parse(raw_run(kind, spec, status, **metadata))


def with_attempt(run: Run) -> Run:
    """Return the run with its next attempt, which begins now."""
    return run.with_status(transitions.start(run, NOW))


def ended(to: State = State.SUCCEEDED, reason: Reason = Reason.COMPLETED, message: str = "", **more: Any) -> Run:
    """Return a finished run whose attempt pushed the commit `c...`."""
    started = with_attempt(run(**more))
    *_, last = started.status.attempts
    done = last.model_copy(update={"finished_at": NOW, "commit": "c" * 40})
    status = transitions.end_run(started, to, reason, message, NOW, attempts=[done], usage=Usage(cost_usd=1.5, turns=1))
    return started.with_status(status)


def job(name: str, *, uid: str = UID, ended: str = "", reason: str = "", ready: int = 0, **spec: Any) -> Job:
    """Return a parsed Job; `ended` is Complete or Failed."""
    return parse_job(raw_job(name, uid=uid, ended=ended, reason=reason, ready=ready, **spec))


def raw_job(
    name: str,
    *,
    uid: str = UID,
    kind: str = "CodeRun",
    ended: str = "",
    reason: str = "",
    ready: int = 0,
    **spec: Any,
) -> dict[str, Any]:
    """Return the object of a Job of the run."""
    owner = {"apiVersion": api_group.API_VERSION, "kind": kind, "name": "run-1", "uid": uid, "controller": True}
    conditions = [{"type": ended, "status": "True", "reason": reason}] if ended else []
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "orchestrator", "ownerReferences": [owner]},
        "spec": {"parallelism": 1, **spec},
        "status": {"conditions": conditions, "ready": ready},
    }


def pod(phase: str = "Succeeded", *, report: str = "", exit_code: int | None = 0, **status: Any) -> Pod:
    """Return a parsed pod with one container."""
    terminated = {"exitCode": exit_code, "message": report} if exit_code is not None else None
    state = {"terminated": terminated} if terminated else {}
    return parse_pod(
        {
            "metadata": {"name": "p"},
            "status": {"phase": phase, "containerStatuses": [{"name": "agent", "state": state}], **status},
        }
    )
