"""The life of a run on an API server; events are delivered by hand: in order, repeated, late, or not at all."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from functions.cluster.errors import Conflict, NotFound
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP, JOB
from functions.handlers import job_finished, reconcile
from functions.manifests import ledger
from functions.runs import api_group
from functions.runs.admission.ledger import Ledger
from functions.runs.lifecycle import transitions
from functions.runs.model.run import parse
from functions.serving.http import Answer, Request, answer
from functions.settings.limits import LimitSettings
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC
from tests.support.run_steps import DONE, event, job_event, job_name, now, reason, run_event, submitted, swept, working


def with_a_ledger(world: Harness) -> None:
    """Create the ledger, as on an installation with earlier runs."""
    world.kubelet.create(CONFIG_MAP, ledger.new(Ledger(), world.namespace))


@pytest.mark.parametrize("kind", ["DocsRun", "CodeRun"])
def test_run_succeeds_within_its_call_budget(world: Harness, kind: str) -> None:
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
    assert (run.status.phase, reason(run), run.is_marked_finished) == ("Succeeded", "Completed", True)


def test_repeated_event_costs_no_write_and_at_most_one_read(world: Harness) -> None:
    world.configure(limits=LimitSettings(exclusive=False))
    run = submitted(world)
    run_event(world, run.raw, "add")
    ready = world.job_ready(job_name(world, run))
    job_event(world, ready)
    ended = world.job_ends(job_name(world, run), DONE)
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


def test_sweep_alone_finishes_a_run_without_events(world: Harness) -> None:
    run = submitted(world)
    swept(world)
    world.job_ready(job_name(world, run))
    swept(world)
    assert now(world, run).status.phase == "Running"
    world.job_ends(job_name(world, run), DONE)
    swept(world)
    assert now(world, run).status.phase == "Succeeded"


def test_run_created_with_kubectl_gets_finalizer_labels_and_job(world: Harness) -> None:
    item = {
        "apiVersion": api_group.API_VERSION,
        "kind": "CodeRun",
        "metadata": {"name": "by-hand", "namespace": world.namespace},
        "spec": dict(CODE_SPEC),
    }
    run = parse(world.kubelet.create(CODE_RUN, item))
    run_event(world, run.raw, "add")
    run = now(world, run)
    assert run.finalizers == [api_group.FINALIZER]
    assert run.labels["agents.platform/service"] == "api"
    assert len(world.jobs()) == 1


def test_run_has_one_job_however_often_its_event_is_delivered(world: Harness) -> None:
    """Predecessor: a Job's name held the time, and one run got five Jobs in a minute."""
    run = submitted(world)
    for minute in range(5):
        world.later(minutes=minute)
        run_event(world, run.raw, "add")
        swept(world)
    assert [job["metadata"]["name"] for job in world.jobs()] == [f"code-run-1-{run.uid[:5]}-1"]


def test_runs_have_separate_task_files_that_they_own(world: Harness) -> None:
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


def test_deleting_one_run_leaves_the_jobs_of_others_alone(world: Harness) -> None:
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


def test_a_succeeded_run_starts_no_further_pod(world: Harness) -> None:
    run, job = working(world)
    job_event(world, world.job_ends(job, DONE))
    world.kubelet.delete(JOB, world.namespace, job, world.jobs()[0]["metadata"]["uid"])
    world.later(days=1)
    run_event(world, run.raw, "add")
    swept(world)
    assert world.jobs() == []
    assert now(world, run).status.phase == "Succeeded"


def test_a_finished_run_is_never_moved_back_by_a_late_decision(world: Harness) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    before = now(world, run)
    job = before.status.job_name or ""
    world.job_ready(job)
    job_event(world, world.job_ends(job, DONE))
    with pytest.raises(Conflict):
        world.services.runs.write_status(before, transitions.running(before, world.now))
    assert now(world, run).status.phase == "Succeeded"


@pytest.mark.parametrize("handler", [reconcile, job_finished])
def test_unreadable_event_is_rejected_or_ignored_without_a_call(world: Harness, handler: Any) -> None:
    def deliver(request: Request) -> int:
        return answer(lambda asked: handler.handle(world.services, asked), request).code

    assert deliver(Request({}, b"")) == 400
    assert deliver(Request({"ce-id": "1"}, b"{}")) == 400
    whole = event({"kind": "CodeRun"}).headers
    assert deliver(Request(whole, b'{"kind": ')) == 204  # a watch event comes from the queue, which would redeliver it
    assert deliver(Request(whole, b"[1]")) == 204
    assert deliver(Request({**whole, "ce-type": "unknown.v1"}, b"{}")) == 204
    other = {"kind": "Secret", "metadata": {"name": "x", "namespace": "y"}}
    assert deliver(event(other)) == 204
    odd = {"kind": "Job", "metadata": {"name": "x", "namespace": "y", "ownerReferences": [{"kind": "CodeRun"}]}}
    assert deliver(event(odd)) == 204
    assert world.calls.calls == []


def test_error_for_one_run_does_not_keep_the_sweep_from_others(world: Harness) -> None:
    for number in (1, 2):
        submitted(world, name=f"run-{number}", service=f"service-{number}")
    astray = iter([False, False, False, True])  # the sweep reads the clock three times before the first run

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
