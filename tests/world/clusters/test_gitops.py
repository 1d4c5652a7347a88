"""CASES K9 to K12, K15 and S14: runs written by GitOps tools, kubectl and people, and the status that tools compute."""

from typing import Any

import pytest

from functions.cluster.kinds import CODE_RUN
from functions.runs import api_group
from functions.runs.lifecycle import transitions
from functions.runs.lifecycle.event_filters import needs_no_reconcile
from functions.runs.lifecycle.states import State
from functions.runs.model import naming
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run, parse
from functions.runs.model.status import Obstacle
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, NOW, ended, raw_run, run
from tests.support.run_steps import DONE, job_event, now, retained, run_event, swept
from tests.unit.deciding import finished, running
from tests.world.clusters import pods
from tests.world.clusters.kstatus import computed
from tests.world.clusters.pods import running_run
from tests.world.clusters.states import STATES

HELM = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/name": "shop", "team": "a"}


def applied(world: Harness, name: str, labels: dict[str, str], **metadata: Any) -> Run:
    """Create a run as kubectl apply does."""
    item = raw_run("CodeRun", CODE_SPEC)
    item["metadata"] = {"name": name, "namespace": world.namespace, "labels": labels, **metadata}
    return parse(world.kubelet.create(CODE_RUN, item))


def test_foreign_labels_of_a_run_are_kept(world: Harness) -> None:
    made = applied(world, "helm", HELM)
    run_event(world, made.raw, "add")
    swept(world)
    labels = now(world, made).labels
    assert HELM.items() <= labels.items()
    assert all(name.startswith("agents.platform/") for name in labels.keys() - HELM.keys())
    assert now(world, made).status.attempt == 1


def test_created_job_has_the_managed_by_label(world: Harness) -> None:
    _, job = running_run(world)
    assert pods.job_of(world, job)["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "orchestrator"


def test_finished_label_copied_to_a_new_run_is_removed(world: Harness) -> None:
    copied = applied(world, "copy", {api_group.FINISHED: "0c9d4d1e-5f0e-4f1e-8d8e-000000000000"})
    assert not needs_no_reconcile(copied, NOW)
    run_event(world, copied.raw, "add")
    assert api_group.FINISHED not in now(world, copied).labels
    assert now(world, copied).status.attempt == 1


def test_finished_label_of_a_running_run_is_removed_by_event_or_hourly_sweep(world: Harness) -> None:
    """The minute's sweep does not list runs with that label, so the end of this run would be missed."""
    made, job = running_run(world)
    for heal in (lambda raw: run_event(world, raw), lambda _: retained(world)):
        label = {"metadata": {"labels": {api_group.FINISHED: "0c9d4d1e-5f0e-4f1e-8d8e-000000000000"}}}
        heal(world.kubelet.patch(CODE_RUN, world.namespace, made.name, label))
        assert api_group.FINISHED not in now(world, made).labels
    world.job_ends(job, DONE)
    swept(world)
    assert now(world, made).status.phase == "Succeeded"


def test_finished_label_has_the_uid_of_the_run(world: Harness) -> None:
    made, job = running_run(world)
    job_event(world, world.job_ends(job, DONE))
    done = now(world, made)
    assert done.labels[api_group.FINISHED] == done.uid


def test_attempt_records_its_task_and_an_edit_does_not_change_it(world: Harness) -> None:
    made, _ = running_run(world)
    edited = world.kubelet.patch(CODE_RUN, world.namespace, made.name, {"spec": {"taskId": 9}})
    run_event(world, edited)
    swept(world)
    found = now(world, made)
    attempt = found.status.attempts[-1]
    assert (attempt.task, attempt.service, attempt.generation) == ("3", "api", 1)
    assert attempt.repository == CODE_SPEC["repositoryUrl"]
    assert (found.status.task, found.status.service, found.status.agent) == ("3", "api", "rex")
    assert found.labels[api_group.label("task-id")] == "3"


def test_queued_run_shows_the_task_of_its_spec() -> None:
    status = transitions.queued(run(spec={"taskId": 9}), Obstacle(message="limits"), NOW)
    assert (status.task, status.service) == ("9", "api")


def test_run_has_a_label_with_its_user() -> None:
    docs = run("DocsRun").spec
    assert docs
    assert naming.run_labels(docs)[api_group.label("user")] == "octocat"


def stored(found: Run) -> dict[str, Any]:
    """Return the run as the API server stores it."""
    return found.to_status_update(found.status)


@pytest.mark.parametrize(("found", "expected"), STATES)
def test_kstatus_of_each_state(found: Run, expected: str) -> None:
    assert computed(stored(found)) == expected


def test_run_with_a_deletion_timestamp_is_terminating() -> None:
    assert computed(raw_run(deletionTimestamp="2026-01-02T03:04:05Z")) == "Terminating"


def test_edit_of_a_finished_run_updates_the_observed_generation(world: Harness) -> None:
    made, job = running_run(world)
    job_event(world, world.job_ends(job, DONE))
    edited = world.kubelet.patch(CODE_RUN, world.namespace, made.name, {"spec": {"priority": 5}})
    assert computed(edited) == "InProgress"
    run_event(world, edited)
    found = now(world, made)
    assert (computed(found.raw), found.status.phase) == ("Current", "Succeeded")
    assert found.is_marked_finished
    assert [each.observed_generation for each in found.status.conditions] == [2, 2, 2, 2]
    run_event(world, found.raw)
    assert now(world, made).resource_version == found.resource_version, "a second event writes nothing"


@pytest.mark.parametrize("to", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
def test_condition_finished_is_true_in_every_final_state(to: State) -> None:
    reason = Reason.CANCELLED if to is State.CANCELLED else Reason.COMPLETED
    assert condition(ended(to, reason), "Finished") == "True"


def test_condition_finished_is_false_before_the_end_and_after_a_retry() -> None:
    assert condition(running(), "Finished") == "False"
    again = finished(spec={"contextVersion": 2})
    assert condition(again.with_status(transitions.reopen(again, NOW)), "Finished") == "False"


def condition(found: Run, condition_type: str) -> str:
    (status,) = [each.status for each in found.status.conditions if each.type == condition_type]
    return status
