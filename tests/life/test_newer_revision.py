"""Runs with a status that a newer revision of the functions wrote and this one cannot parse completely."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.cluster.errors import NotFound
from functions.cluster.kinds import CODE_RUN, JOB, VOLUME_CLAIM
from functions.manifests import crds
from functions.runs import api_group
from functions.runs.model.run import Run
from functions.runs.model.specs import SPECS
from functions.settings.limits import LimitSettings
from functions.settings.retention import RetentionSettings
from functions.sweeper import retention
from tests.support.api import Harness
from tests.support.in_process_server import InProcessServer
from tests.support.run_steps import DONE, job_event, job_name, now, reason, run_event, submitted, swept

LOOSE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
Edit = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def newer(tmp_path: Path) -> Harness:
    """Return a harness whose CRDs accept any status, as those of a newer revision may."""
    for spec in SPECS.values():
        definition = crds.crd(spec)
        definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"] = LOOSE
        (tmp_path / f"{spec.kind.plural}.yaml").write_text(yaml.safe_dump(definition))
    return Harness(InProcessServer(tmp_path), "newer")


def phase(status: dict[str, Any]) -> dict[str, Any]:
    return {**status, "phase": "Archived"}


def attempts(status: dict[str, Any]) -> dict[str, Any]:
    return {**status, "attempts": [{**each, "startedAt": "soon"} for each in status["attempts"]]}


def rewritten(world: Harness, run: Run, edit: Edit) -> dict[str, Any]:
    raw = dict(now(world, run).raw)
    return world.kubelet.replace_status(CODE_RUN, {**raw, "status": edit(raw["status"])})


def at_work(world: Harness, name: str = "run-1", **spec: Any) -> Run:
    run = submitted(world, name=name, **spec)
    run_event(world, run.raw, "add")
    job = job_name(world, run)
    job_event(world, world.job_ready(job))
    return now(world, run)


def finished(world: Harness) -> Run:
    run = at_work(world)
    job_event(world, world.job_ends(run.status.job_name or "", DONE))
    for job in world.jobs():  # after its time to live
        world.kubelet.delete(JOB, world.namespace, job["metadata"]["name"], job["metadata"]["uid"])
    return now(world, run)


@pytest.mark.parametrize("edit", [phase, attempts])
def test_finished_run_with_unreadable_status_starts_nothing(
    newer: Harness, edit: Edit, caplog: pytest.LogCaptureFixture
) -> None:
    raw = rewritten(newer, finished(newer), edit)
    unmarked = {"metadata": {"labels": {api_group.FINISHED: None}}}
    raw = newer.kubelet.patch(CODE_RUN, newer.namespace, raw["metadata"]["name"], unmarked)
    newer.later(days=2)
    with caplog.at_level(logging.WARNING):
        assert run_event(newer, raw).code == 204
        assert swept(newer).code == 200
    assert newer.jobs() == []
    left = newer.kubelet.get(CODE_RUN, newer.namespace, "run-1")
    assert left["status"]["attempts"] == raw["status"]["attempts"]
    assert ("attempts.0.startedAt" in caplog.text) is (edit is attempts)


def test_unknown_phase_does_not_affect_the_run(newer: Harness) -> None:
    run = at_work(newer)
    rewritten(newer, run, phase)
    job_event(newer, newer.job_ends(run.status.job_name or "", DONE))
    assert (now(newer, run).status.phase, reason(now(newer, run))) == ("Succeeded", "Completed")


def test_running_run_with_unreadable_status_keeps_its_slot(newer: Harness) -> None:
    newer.configure(limits=LimitSettings(runs=1))
    first = at_work(newer)
    rewritten(newer, first, attempts)
    second = submitted(newer, name="run-2", service="web")
    run_event(newer, second.raw, "add")
    swept(newer)
    assert reason(now(newer, second)) == "Queued"
    assert len(newer.jobs()) == 1


def test_run_with_unreadable_status_keeps_its_workspace(newer: Harness) -> None:
    newer.configure(retention=RetentionSettings(workspace_days=5, delete_workspaces=True))
    run = at_work(newer)
    rewritten(newer, run, attempts)
    for _ in range(2):
        retention.clean_up(newer.services)
        newer.later(days=6)
    retention.clean_up(newer.services)
    assert newer.kubelet.get(VOLUME_CLAIM, newer.namespace, run.status.workspace_name or "")


def test_deleted_run_with_unreadable_status_is_released(newer: Harness) -> None:
    run = at_work(newer)
    rewritten(newer, run, attempts)
    newer.kubelet.delete(CODE_RUN, newer.namespace, run.name, run.uid)
    run_event(newer, now(newer, run).raw)
    with pytest.raises(NotFound):
        now(newer, run)
