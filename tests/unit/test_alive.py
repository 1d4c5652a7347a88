"""What a sweep knows about an attempt from its lists of Jobs and pods, without reading it.

| on the cluster                          | preloaded                                     |
|-----------------------------------------|-----------------------------------------------|
| its Job, with a pod that waits          | Job and pod                                   |
| its Job, with two pods, one has ended   | the Job and the other pod                     |
| its Job, without a pod                  | the Job, and an empty list of pods            |
| its Job has ended, or is a fence        | nothing; both are read                        |
| a pod whose Job is not listed           | nothing                                       |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.cluster.client import Cluster
from functions.cluster.transport import Request
from functions.reconciler.reconciler import Preloaded
from functions.runs.lifecycle.observed import parse_job
from functions.runs.lifecycle.pod_status import parse_pod
from functions.serving.dependencies import Dependencies
from functions.sweeper.live_attempts import LiveAttempts
from tests.support.builders import raw_job, run, settings, with_attempt

FRESH = run()
STARTED = with_attempt(FRESH)
JOB = STARTED.status.job_name or ""


def pod(name: str, phase: str = "Pending", job: str = JOB) -> dict[str, Any]:
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    return {
        "metadata": {"name": name, "labels": {"job-name": job}},
        "status": {"phase": phase, "containerStatuses": [{"name": "agent", "state": waiting}]},
    }


@dataclass
class Lists:
    """An API server that returns these objects, one page for each kind."""

    objects: Mapping[str, list[dict[str, Any]]]
    asked: list[str] = field(default_factory=list)

    def send(self, request: Request) -> Any:
        kind = request.path.rsplit("/", 1)[1]
        self.asked.append(kind)
        return {"metadata": {}, "items": [dict(each) for each in self.objects[kind]]}

    def stream(self, request: Request) -> Any:
        raise NotImplementedError


def known(jobs: list[dict[str, Any]], pods: list[dict[str, Any]]) -> Preloaded:
    lists = Lists({"jobs": jobs, "pods": pods})
    found = LiveAttempts(Dependencies(settings(), Cluster(lists), lambda: datetime.now(UTC))).known(STARTED)
    assert lists.asked == ["jobs", "pods"]
    return found


@pytest.mark.parametrize(
    ("pods", "kept"),
    [
        ([pod("a")], [pod("a")]),
        ([pod("a", "Failed"), pod("b"), pod("c", job="another")], [pod("b")]),
        ([pod("a"), pod("b")], [pod("a"), pod("b")]),
        ([], []),
    ],
)
def test_a_live_job_is_preloaded_with_its_live_pods(pods: list[dict[str, Any]], kept: list[dict[str, Any]]) -> None:
    found = known([raw_job(JOB)], pods)
    assert (found.job, found.pods) == (parse_job(raw_job(JOB)), tuple(parse_pod(each) for each in kept))


@pytest.mark.parametrize(
    "jobs", [[], [raw_job("another")], [raw_job(JOB, ended="Complete")], [raw_job(JOB, parallelism=0)]]
)
def test_an_ended_fenced_or_missing_job_is_not_preloaded(jobs: list[dict[str, Any]]) -> None:
    assert known(jobs, [pod("a")]) == Preloaded()
