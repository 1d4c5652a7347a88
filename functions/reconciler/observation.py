"""Reads what is observed of an attempt: its Job, its pods, and the Events that explain why they wait."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from functions.cluster.errors import NotFound
from functions.cluster.kinds import EVENT, JOB, POD
from functions.runs.lifecycle import event_diagnosis
from functions.runs.lifecycle.observed import Job, NotRead, Observed, Pod, parse_job
from functions.runs.lifecycle.pod_status import parse_pod
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies


def read_job(deps: Dependencies, run: Run) -> Job | None:
    """Return the attempt's Job; None if it does not exist."""
    try:
        return parse_job(deps.cluster.get(JOB, run.namespace, run.status.job_name or ""))
    except NotFound:
        return None


def read_pods(deps: Dependencies, run: Run) -> list[Pod]:
    """Return the pods of the attempt's Job."""
    selector = f"job-name={run.status.job_name}"
    return [parse_pod(raw) for raw in deps.cluster.list(POD, run.namespace, selector)]


def read_events(deps: Dependencies, observed: Observed, name: str, kind: Literal["Pod", "Job"]) -> Observed:
    """Return what was observed, with what the Events of the pod or Job `name` say about it."""
    about = f"involvedObject.kind={kind},involvedObject.name={name}"
    return _with_diagnosis(observed, name, list(deps.cluster.list(EVENT, observed.run.namespace, fields=about)))


def _with_diagnosis(observed: Observed, name: str, events: Sequence[Mapping[str, Any]]) -> Observed:
    if isinstance(observed.job, Job) and observed.job.name == name:
        read = event_diagnosis.suspension if observed.job.suspended else event_diagnosis.job_diagnosis
        return replace(observed, job=replace(observed.job, pod_rejection=read(events)))
    pods = () if isinstance(observed.pods, NotRead) else observed.pods
    cause = event_diagnosis.pod_diagnosis(events)
    explained = [replace(pod, waiting=cause, unexplained=False) if pod.name == name else pod for pod in pods]
    return replace(observed, pods=explained)
