"""Attempts that fail, are cancelled, retried by people or cannot start; events are delivered by hand."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from functions.cluster.errors import NotFound
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP, JOB, POD, VOLUME_CLAIM
from functions.reconciler import attempt
from functions.runs import api_group
from functions.runs.model import conditions
from functions.settings.limits import LimitSettings
from tests.support.api import ROOT, Harness
from tests.support.run_steps import DONE, LOST, job_event, job_name, now, reason, run_event, submitted, swept, working


def test_failed_attempt_is_retried_after_the_backoff_and_no_earlier(world: Harness) -> None:
    run, first = working(world)
    job_event(world, world.job_ends(first, LOST, ok=False))
    assert now(world, run).status.phase == "Retrying"
    swept(world)
    assert len(world.jobs()) == 1
    world.later(seconds=30)
    swept(world)
    run = now(world, run)
    assert (run.status.attempt, run.status.job_name) == (2, first[:-1] + "2")
    assert len(world.jobs()) == 2, "the failed attempt's Job is kept"
    late = next(job for job in world.jobs() if job["metadata"]["name"] == first)
    job_event(world, late)
    assert now(world, run).status.phase == "Pending", "an event of an ended attempt changes nothing"


def test_cancel_stops_the_job_and_keeps_it(world: Harness) -> None:
    run, job = working(world)
    job_event(world, world.jobs()[0])
    cancelled = world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": {"cancel": True}})
    run_event(world, cancelled)
    assert world.jobs()[0]["spec"]["activeDeadlineSeconds"] == 1
    job_event(world, world.job_ends(job, ok=False))
    assert (now(world, run).status.phase, len(world.jobs())) == ("Cancelled", 1)


def test_fence_is_created_when_the_job_of_an_attempt_is_lost(world: Harness) -> None:
    run, job = working(world)
    job_event(world, world.jobs()[0])
    world.kubelet.delete(JOB, world.namespace, job, world.jobs()[0]["metadata"]["uid"])
    for pod in list(world.kubelet.list(POD, world.namespace)):
        with suppress(NotFound):  # the garbage collector deleted it already
            world.kubelet.delete(POD, world.namespace, pod["metadata"]["name"], pod["metadata"]["uid"])
    swept(world)
    fences = [each for each in world.jobs() if each["spec"]["parallelism"] == 0]
    assert [each["metadata"]["name"] for each in fences] == [job]
    run = now(world, run)
    assert (run.status.phase, run.status.attempts[-1].reason) == ("Retrying", "JobLost")


def test_raised_context_version_starts_a_retry(world: Harness) -> None:
    run, job = working(world)
    job_event(world, world.job_ends(job, LOST.replace("NetworkError", "InvalidInput"), ok=False))
    assert now(world, run).status.phase == "Failed"
    patch = {"spec": {"contextVersion": 2, "promptModification": "use the other library"}}
    run_event(world, world.kubelet.patch(CODE_RUN, world.namespace, run.name, patch))
    run = now(world, run)
    assert (run.status.attempt, run.status.context_version, api_group.FINISHED in run.labels) == (2, 2, False)
    files = world.kubelet.get(CONFIG_MAP, world.namespace, run.status.config_map_name or "")["data"]
    assert "use the other library" in files["prompt.md"]


def test_retry_of_an_open_attempt_is_refused_and_shown_in_a_condition(world: Harness) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    world.job_ready(job_name(world, run))
    raised = world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": {"contextVersion": 2}})
    run_event(world, raised)
    found = now(world, run).status
    assert found.message == "attempt 1 is running", "in the same pass"
    assert (
        "contextVersion 2 is refused: the run is neither finished nor waiting for a fix"
        in conditions.retry_refused_message(found)
    )


def test_retry_that_is_cancelled_before_its_start_does_not_start(world: Harness) -> None:
    run, job = working(world)
    job_event(world, world.job_ends(job, DONE))
    assert now(world, run).status.phase == "Succeeded"
    patch = {"spec": {"contextVersion": 2, "cancel": True}}
    run_event(world, world.kubelet.patch(CODE_RUN, world.namespace, run.name, patch))
    found = now(world, run)
    assert (found.status.phase, reason(found), found.status.attempt) == ("Cancelled", "Cancelled", 1)
    assert (found.status.expire_at == found.status.finished_at, api_group.FINISHED in found.labels) == (False, True)
    written = found.resource_version
    swept(world)
    assert now(world, run).resource_version == written
    again = {"spec": {"contextVersion": 3, "cancel": None}}
    run_event(world, world.kubelet.patch(CODE_RUN, world.namespace, run.name, again))
    assert (now(world, run).status.attempt, len(world.jobs())) == (2, 2)


def test_template_error_is_shown_with_file_and_variable_and_retried(world: Harness, tmp_path: Any) -> None:
    broken = tmp_path / "claude" / "code"
    broken.mkdir(parents=True)
    (broken / "prompt.md.j2").write_text("fine\n{{ no_such_name }}\n")
    good = world.services.settings
    world.configure(templates=tmp_path)
    run = submitted(world)
    run_event(world, run.raw, "add")
    shown = now(world, run)
    assert (reason(shown), shown.status.attempt) == ("TemplateError", None)
    assert "prompt.md.j2" in (shown.status.message or "")
    assert "no_such_name" in (shown.status.message or "")
    world.later(minutes=1)
    world.configure(templates=good.templates)
    swept(world)
    assert reason(now(world, run)) == "Starting"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"caf\xe9", "can't decode byte"),
        (b"{% include 'claude/code/coding-guidelines.md.j2' %}", "recursion"),
        (b"{{ 1 // 0 }}", "zero"),
        (b"{{ {}['a'] }}", "no attribute"),
        (b"{{ task_id | first }}", "not iterable"),
        (b"{{ 'a'.encode('nope') }}", "unknown encoding"),
    ],
)
def test_any_error_of_a_template_is_shown_and_fails_the_run_in_the_end(
    world: Harness, tmp_path: Any, text: bytes, words: str
) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(world.services.settings.templates, templates)
    (templates / "claude/code/coding-guidelines.md.j2").write_bytes(text)
    world.configure(templates=templates)
    run = submitted(world)
    run_event(world, run.raw, "add")
    shown = now(world, run)
    assert reason(shown) == "TemplateError"
    assert "coding-guidelines.md.j2" in (shown.status.message or "")
    assert words in (shown.status.message or "")
    world.later(minutes=16)
    swept(world)
    assert now(world, run).status.phase == "Failed"


def test_run_created_with_a_context_version_is_not_retried_after_its_end(world: Harness, tmp_path: Any) -> None:
    world.configure(templates=tmp_path)  # an empty folder
    run = submitted(world, contextVersion=2)
    run_event(world, run.raw, "add")
    world.later(minutes=16)
    swept(world)
    failed = now(world, run)
    assert (failed.status.phase, failed.status.context_version) == ("Failed", 2)
    run_event(world, failed.raw)
    swept(world)
    assert now(world, run).status.phase == "Failed"


def test_foreign_volume_claim_fails_the_run(world: Harness) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "workspace-api-rex-2e06e942",
            "namespace": world.namespace,
            "labels": {"agents.platform/service": "api-rex"},
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    world.kubelet.create(VOLUME_CLAIM, claim)
    run = submitted(world)
    run_event(world, run.raw, "add")
    shown = now(world, run)
    assert (shown.status.phase, reason(shown)) == ("Failed", "NameTaken")
    assert all(job["spec"]["parallelism"] == 0 for job in world.jobs())


def test_suspended_job_of_kueue_can_be_cancelled(world: Harness) -> None:
    world.configure(limits=LimitSettings(kueue_queue="agents"))
    run = submitted(world)
    run_event(world, run.raw, "add")
    job = world.jobs()[0]
    assert (job["spec"]["suspend"], job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"]) == (True, "agents")
    run_event(world, world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": {"cancel": True}}))
    assert (now(world, run).status.phase, world.jobs()[0]["spec"]["parallelism"]) == ("Cancelled", 0)


def test_revision_that_cannot_render_does_not_end_the_attempt_of_another_revision(
    world: Harness, tmp_path: Path
) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    (tmp_path / "templates/claude/code/huge.md.j2").write_text("x" * 2_000_000)
    world.configure(templates=tmp_path / "templates")
    attempt.create_resources(world.services, now(world, run))  # as after a read without the Job
    assert (now(world, run).status.phase, world.jobs()[0]["spec"]["parallelism"]) == ("Pending", 1)
    late = submitted(world, name="late", service="other")
    run_event(world, late.raw, "add")
    assert reason(now(world, late)) == "TaskFilesTooLarge"
