"""The life of a run on the API server, its events delivered by hand: in order, twice, late, and not at all."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.cluster.errors import Conflict, NotFound
from functions.cluster.kinds import CLAIM, CODE_RUN, CONFIG_MAP, JOB, POD, RUNS
from functions.handlers import acting, creating, job_finished, reconcile, sweep
from functions.handlers.http import Answer, Request, answer
from functions.manifests import ledger, requested
from functions.runs import attempts, group
from functions.runs.admission import Ledger
from functions.runs.run import Run, parse
from functions.runs.specs import SPECS
from functions.settings.fleet import LimitSettings
from tests.support.api import ROOT, World
from tests.support.builders import CODE_SPEC, DOCS_SPEC

DONE = json.dumps({"outcome": "succeeded", "reason": "Completed", "message": "done", "commit": "b" * 40})
LOST = json.dumps({"outcome": "failed", "reason": "NetworkError", "message": "the network went away"})


def submitted(world: World, kind: str = "CodeRun", name: str = "run-1", **spec: Any) -> Run:
    base = CODE_SPEC if kind == "CodeRun" else DOCS_SPEC
    item = requested.run(SPECS[kind].model_validate({**base, **spec}), world.namespace, name)
    return parse(world.kubelet.create(RUNS[kind], item))


def event(raw: Any, verb: str = "update") -> Request:
    headers = {
        "ce-id": "1",
        "ce-source": "s",
        "ce-specversion": "1.0",
        "ce-type": f"dev.knative.apiserver.resource.{verb}",
    }
    return Request(headers, json.dumps(raw).encode())


def with_a_ledger(world: World) -> None:
    """As on any installation that has run something."""
    world.kubelet.create(CONFIG_MAP, ledger.new(Ledger(), world.namespace))


def run_event(world: World, raw: Any, verb: str = "update") -> Answer:
    return answer(lambda request: reconcile.handle(world.services, request), event(raw, verb))


def job_event(world: World, raw: Any, verb: str = "update") -> Answer:
    return answer(lambda request: job_finished.handle(world.services, request), event(raw, verb))


def swept(world: World) -> Answer:
    return answer(lambda request: sweep.handle(world.services, request), Request({}, b""))


def now(world: World, run: Run) -> Run:
    return parse(world.kubelet.get(RUNS[run.kind], run.namespace, run.name))


def reason(run: Run) -> str | None:
    return run.status.succeeded.reason if run.status.succeeded else None


@pytest.mark.parametrize("kind", ["DocsRun", "CodeRun"])
def test_a_run_is_started_runs_and_succeeds_within_its_budget_of_calls(world: World, kind: str) -> None:
    with_a_ledger(world)
    run = submitted(world, kind)
    assert run_event(world, run.raw, "add").code == 204
    workspace, limits = 1 if kind == "CodeRun" else 0, 1
    assert (len(world.calls.writes), len(world.calls.reads)) == (3 + workspace + limits, 1 + limits)
    run = now(world, run)
    assert (run.status.phase, reason(run)) == ("Pending", "Starting")
    ready = world.job_ready(run.status.job_name or "")
    world.calls.calls.clear()
    assert job_event(world, ready).code == 204
    assert (len(world.calls.writes), len(world.calls.reads)) == (1, 1)
    assert now(world, run).status.phase == "Running"
    ended = world.job_ends(run.status.job_name or "", DONE)
    world.calls.calls.clear()
    assert job_event(world, ended).code == 204
    assert len(world.calls.writes) == 2
    run = now(world, run)
    assert (run.status.phase, reason(run), run.labels[group.FINISHED]) == ("Succeeded", "Completed", "true")


def test_nothing_to_do_costs_no_write_and_at_most_one_read(world: World) -> None:
    world.configure(limits=LimitSettings(exclusive=False))
    run = submitted(world)
    run_event(world, run.raw, "add")
    ready = world.job_ready(now(world, run).status.job_name or "")
    job_event(world, ready)
    ended = world.job_ends(now(world, run).status.job_name or "", DONE)
    job_event(world, ended)
    deliveries: list[Callable[[], Answer]] = [
        lambda: run_event(world, run.raw, "add"),
        lambda: run_event(world, now(world, run).raw),
        lambda: job_event(world, ready),
        lambda: job_event(world, ended),
        lambda: job_event(world, ended, "delete"),
    ]
    for deliver in deliveries:
        world.calls.calls.clear()
        assert deliver().code == 204
        assert world.calls.writes == []
        assert len(world.calls.reads) <= 1
    assert len(world.jobs()) == 1


def test_without_any_event_the_sweep_alone_finishes_a_run(world: World) -> None:
    run = submitted(world)
    swept(world)
    world.job_ready(now(world, run).status.job_name or "")
    swept(world)
    assert now(world, run).status.phase == "Running"
    world.job_ends(now(world, run).status.job_name or "", DONE)
    swept(world)
    assert now(world, run).status.phase == "Succeeded"


def test_a_run_made_with_kubectl_is_as_good(world: World) -> None:
    item = {
        "apiVersion": group.API_VERSION,
        "kind": "CodeRun",
        "metadata": {"name": "by-hand", "namespace": world.namespace},
        "spec": dict(CODE_SPEC),
    }
    run = parse(world.kubelet.create(CODE_RUN, item))
    run_event(world, run.raw, "add")
    run = now(world, run)
    assert run.finalizers == [group.FINALIZER]
    assert run.labels["agents.platform/service"] == "api"
    assert len(world.jobs()) == 1


def test_one_run_has_one_job_however_often_its_event_comes(world: World) -> None:
    """Predecessor: a Job's name held the time, and one run got five Jobs in a minute."""
    run = submitted(world)
    for minute in range(5):
        world.later(minutes=minute)
        run_event(world, run.raw, "add")
        swept(world)
    assert [job["metadata"]["name"] for job in world.jobs()] == [f"code-run-1-{run.uid[:5]}-1"]


def test_each_attempt_has_task_files_of_its_own_that_go_with_the_run(world: World) -> None:
    """Predecessor: one ConfigMap was shared by all docs runs and never refreshed."""
    first, second = submitted(world, "DocsRun", "one"), submitted(world, "DocsRun", "two", sourceBranch="other")
    for run in (first, second):
        run_event(world, run.raw, "add")
    names = [now(world, run).status.config_map_name or "" for run in (first, second)]
    maps = [world.kubelet.get(CONFIG_MAP, world.namespace, name) for name in names]
    assert maps[0]["data"] != maps[1]["data"]
    assert [item["metadata"]["ownerReferences"][0]["uid"] for item in maps] == [first.uid, second.uid]
    assert maps[0]["metadata"]["annotations"]["agents.platform/templates-checksum"] == (
        now(world, first).status.templates_checksum
    )


def test_deleting_one_run_leaves_the_jobs_of_others_alone(world: World) -> None:
    """Predecessor: Jobs were deleted by label, without a look at their owner."""
    gone, kept = submitted(world, name="gone"), submitted(world, name="kept", service="other")
    for run in (gone, kept):
        run_event(world, run.raw, "add")
    world.kubelet.delete(CODE_RUN, world.namespace, "gone", gone.uid)
    run_event(world, now(world, gone).raw)
    with pytest.raises(NotFound):
        now(world, gone)
    owners = {job["metadata"]["ownerReferences"][0]["uid"] for job in world.jobs()}
    assert kept.uid in owners


def test_a_succeeded_run_starts_no_further_pod(world: World) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    job = now(world, run).status.job_name or ""
    world.job_ready(job)
    job_event(world, world.job_ends(job, DONE))
    world.kubelet.delete(JOB, world.namespace, job, world.jobs()[0]["metadata"]["uid"])
    world.later(days=1)
    run_event(world, run.raw, "add")
    swept(world)
    assert world.jobs() == []
    assert now(world, run).status.phase == "Succeeded"


def test_a_failed_attempt_is_tried_again_after_its_pause_and_no_earlier(world: World) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    first = now(world, run).status.job_name or ""
    world.job_ready(first)
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
    assert now(world, run).status.phase == "Pending", "an event of an attempt that is over changes nothing"


def test_cancel_stops_the_job_and_keeps_it(world: World) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    job = now(world, run).status.job_name or ""
    world.job_ready(job)
    job_event(world, world.jobs()[0])
    cancelled = world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": {"cancel": True}})
    run_event(world, cancelled)
    assert world.jobs()[0]["spec"]["activeDeadlineSeconds"] == 1
    job_event(world, world.job_ends(job, ok=False))
    assert (now(world, run).status.phase, len(world.jobs())) == ("Cancelled", 1)


def test_a_handler_held_up_before_its_create_finds_the_name_taken(world: World) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    job = now(world, run).status.job_name or ""
    world.job_ready(job)
    job_event(world, world.jobs()[0])
    world.kubelet.delete(JOB, world.namespace, job, world.jobs()[0]["metadata"]["uid"])
    for pod in list(world.kubelet.list(POD, world.namespace)):
        with suppress(NotFound):  # the garbage collector was first
            world.kubelet.delete(POD, world.namespace, pod["metadata"]["name"], pod["metadata"]["uid"])
    swept(world)
    fences = [each for each in world.jobs() if each["spec"]["parallelism"] == 0]
    assert [each["metadata"]["name"] for each in fences] == [job]
    run = now(world, run)
    assert (run.status.phase, run.status.attempts[-1].reason) == ("Retrying", "JobLost")


def test_a_person_raises_context_version_to_try_again(world: World) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    job = now(world, run).status.job_name or ""
    world.job_ready(job)
    job_event(world, world.job_ends(job, LOST.replace("NetworkError", "InvalidInput"), ok=False))
    assert now(world, run).status.phase == "Failed"
    patch = {"spec": {"contextVersion": 2, "promptModification": "use the other library"}}
    run_event(world, world.kubelet.patch(CODE_RUN, world.namespace, run.name, patch))
    run = now(world, run)
    assert (run.status.attempt, run.status.context_version, group.FINISHED in run.labels) == (2, 2, False)
    files = world.kubelet.get(CONFIG_MAP, world.namespace, run.status.config_map_name or "")["data"]
    assert "use the other library" in files["prompt.md"]


def test_a_template_error_is_shown_with_file_and_variable_and_tried_again(world: World, tmp_path: Any) -> None:
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


def test_a_claim_of_somebody_else_is_refused_and_never_shared(world: World) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "workspace-api-rex",
            "namespace": world.namespace,
            "labels": {"agents.platform/service": "api-rex"},
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    world.kubelet.create(CLAIM, claim)
    run = submitted(world)
    run_event(world, run.raw, "add")
    shown = now(world, run)
    assert (shown.status.phase, reason(shown)) == ("Failed", "NameTaken")
    assert all(job["spec"]["parallelism"] == 0 for job in world.jobs())


def test_a_finished_run_is_never_moved_back_by_a_late_decision(world: World) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    before = now(world, run)
    job = before.status.job_name or ""
    world.job_ready(job)
    job_event(world, world.job_ends(job, DONE))
    with pytest.raises(Conflict):
        acting.write_status(world.services, before, attempts.running(before, world.now))
    assert now(world, run).status.phase == "Succeeded"


@pytest.mark.parametrize("handler", [reconcile, job_finished])
def test_what_no_function_understands_is_refused_or_ignored_and_changes_nothing(world: World, handler: Any) -> None:
    def deliver(request: Request) -> int:
        return answer(lambda asked: handler.handle(world.services, asked), request).code

    assert deliver(Request({}, b"")) == 400
    assert deliver(Request({"ce-id": "1"}, b"{}")) == 400
    whole = event({"kind": "CodeRun"}).headers
    assert deliver(Request(whole, b'{"kind": ')) == 204  # nobody posts a watch event by hand, and it might come again
    assert deliver(Request(whole, b"[1]")) == 204
    assert deliver(Request({**whole, "ce-type": "unknown.v1"}, b"{}")) == 204
    other = {"kind": "Secret", "metadata": {"name": "x", "namespace": "y"}}
    assert deliver(event(other)) == 204
    odd = {"kind": "Job", "metadata": {"name": "x", "namespace": "y", "ownerReferences": [{"kind": "CodeRun"}]}}
    assert deliver(event(odd)) == 204
    assert world.calls.calls == []


def test_one_run_that_nobody_can_make_sense_of_does_not_keep_the_sweep_from_others(world: World) -> None:
    for number in (1, 2):
        submitted(world, name=f"run-{number}", service=f"service-{number}")
    astray = iter([False, False, False, True])  # before it drives the first, the sweep asks three times for itself

    def clock() -> Any:
        if next(astray, False):
            raise ZeroDivisionError
        return world.now

    world.services = replace(world.services, clock=clock)
    answered = swept(world)
    assert answered.body
    assert len(answered.body["data"]["failed"]) == 1
    assert len(world.jobs()) == 1
    swept(world)
    assert len(world.jobs()) == 2


def test_with_kueue_a_job_waits_for_its_admission_and_can_be_cancelled_there(world: World) -> None:
    world.configure(limits=LimitSettings(kueue_queue="agents"))
    run = submitted(world)
    run_event(world, run.raw, "add")
    job = world.jobs()[0]
    assert (job["spec"]["suspend"], job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"]) == (True, "agents")
    run_event(world, world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": {"cancel": True}}))
    assert (now(world, run).status.phase, world.jobs()[0]["spec"]["parallelism"]) == ("Cancelled", 0)


def test_a_revision_that_cannot_render_does_not_end_an_attempt_that_another_one_made(
    world: World, tmp_path: Path
) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    (tmp_path / "templates/claude/code/huge.md.j2").write_text("x" * 2_000_000)
    world.configure(templates=tmp_path / "templates")
    creating.create_resources(world.services, now(world, run))  # it saw no Job a moment ago
    assert (now(world, run).status.phase, world.jobs()[0]["spec"]["parallelism"]) == ("Pending", 1)
    late = submitted(world, name="late", service="other")
    run_event(world, late.raw, "add")
    assert reason(now(world, late)) == "TaskFilesTooLarge"
