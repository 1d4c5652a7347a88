"""CASES K9 to K12, K15 and S14 with real kubectl, on the embedded API server and on a real one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.cluster.errors import Invalid
from functions.cluster.kinds import RUNS
from functions.handlers import job_finished, reconcile
from functions.runs import api_group
from functions.runs.model.run import Run, parse
from tests.cluster.conftest import APART
from tests.cluster.driving import deliver
from tests.cluster.kubectl import KubectlBench, bench
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, raw_run
from tests.support.run_steps import DONE, LOST, event, now, submitted
from tests.world.clusters.kstatus import computed

__all__ = ["bench"]

HELM = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "shop"}


@pytest.fixture
def cleared(bench: KubectlBench) -> Iterator[KubectlBench]:
    """Return a bench whose runs are deleted afterwards."""
    yield bench
    world = bench.world
    for kind in RUNS.values():
        for raw in list(world.kubelet.list(kind, APART)):
            run = parse(raw)
            world.kubelet.delete(kind, APART, run.name, run.uid)
            deliver(world, reconcile, event(now(world, run).raw))


def driven(world: Harness, run: Run) -> Run:
    deliver(world, reconcile, event(now(world, run).raw))
    return now(world, run)


def finished(world: Harness, run: Run, report: str = DONE, *, ok: bool = True) -> Run:
    job = driven(world, run).status.job_name or ""
    world.job_ready(job)
    deliver(world, job_finished, event(world.job_ends(job, report, ok=ok)))
    return now(world, run)


def applied(bench: KubectlBench, item: dict[str, Any], *options: str) -> str:
    return bench.run("apply", *options, "--filename", "-", given=json.dumps(item))


def test_labels_of_helm_are_kept_and_a_second_apply_changes_nothing(cleared: KubectlBench) -> None:
    item = raw_run("CodeRun", {**CODE_SPEC, "service": "helm"})
    item["metadata"] = {"name": "helm", "namespace": APART, "labels": HELM}
    assert "created" in applied(cleared, item)
    run = parse(cleared.world.kubelet.get(RUNS["CodeRun"], APART, "helm"))
    found = driven(cleared.world, run)
    assert HELM.items() <= found.labels.items()
    assert found.status.attempt == 1
    assert "unchanged" in applied(cleared, item)
    assert now(cleared.world, run).resource_version == found.resource_version


def test_second_server_side_apply_changes_nothing(cleared: KubectlBench) -> None:
    item = raw_run("CodeRun", {**CODE_SPEC, "service": "flux"})
    item["metadata"] = {"name": "flux", "namespace": APART, "labels": HELM}
    options = ("--server-side", "--field-manager=kustomize-controller")
    applied(cleared, item, *options)
    run = parse(cleared.world.kubelet.get(RUNS["CodeRun"], APART, "flux"))
    found = driven(cleared.world, run)
    assert found.status.attempt == 1
    assert len(found.labels) > len(HELM)
    applied(cleared, item, *options)
    assert now(cleared.world, run).resource_version == found.resource_version
    item["spec"]["cancel"] = True
    applied(cleared, item, *options)
    changed = driven(cleared.world, run)
    assert changed.spec
    assert changed.spec.cancel
    assert found.labels.items() <= changed.labels.items()


def test_finished_run_exported_and_applied_under_another_name_starts(cleared: KubectlBench) -> None:
    world = cleared.world
    done = finished(world, submitted(world, name="original", service="export"))
    assert done.is_marked_finished
    item = json.loads(cleared.run("get", "coderun", "original", "--output", "json"))
    item["metadata"] = {"name": "copy", "namespace": APART, "labels": item["metadata"]["labels"]}
    applied(cleared, item)
    copy = driven(world, parse(world.kubelet.get(RUNS["CodeRun"], APART, "copy")))
    assert api_group.FINISHED not in copy.labels
    assert (copy.status.phase, copy.status.attempt) == ("Pending", 1)


def test_columns_name_the_task_of_the_open_attempt(cleared: KubectlBench) -> None:
    run = driven(cleared.world, submitted(cleared.world, name="edited", service="edit"))
    cleared.run("patch", "coderun", "edited", "--type=merge", "--patch", '{"spec": {"taskId": 9}}')
    driven(cleared.world, run)
    heads, row = (line.split() for line in cleared.get("coderun", "edited"))
    assert dict(zip(heads, row, strict=False))["TASK"] == "3"
    assert cleared.get("coderun", "--selector", "agents.platform/task-id=9", "--output", "name") == []


def test_finished_run_is_current_after_an_edit(cleared: KubectlBench) -> None:
    run = finished(cleared.world, submitted(cleared.world, name="done", service="done"))
    cleared.run("patch", "coderun", "done", "--type=merge", "--patch", '{"spec": {"priority": 5}}')
    assert computed(now(cleared.world, run).raw) == "InProgress"
    assert computed(driven(cleared.world, run).raw) == "Current"


def test_kubectl_wait_for_finished_ends_in_every_final_state(cleared: KubectlBench) -> None:
    world = cleared.world
    finished(world, submitted(world, name="succeeded", service="one"))
    finished(world, submitted(world, name="failed", service="two", maxRetries=0), LOST, ok=False)
    driven(world, submitted(world, name="cancelled", service="three", cancel=True))
    names = [f"coderun/{name}" for name in ("succeeded", "failed", "cancelled")]
    cleared.run("wait", "--for=condition=Finished", *names, "--timeout=30s")
    phases = cleared.run("get", "coderuns", "--output", "jsonpath={.items[*].status.phase}").split()
    assert sorted(phases) == ["Cancelled", "Failed", "Succeeded"]


def test_runs_are_selected_by_user_label(cleared: KubectlBench) -> None:
    for name, login in (("hers", "octocat"), ("his", "hubot")):
        driven(cleared.world, submitted(cleared.world, "DocsRun", name, githubUser=login, workingDirectory=name))
    found = cleared.get("docsruns", "--selector", "agents.platform/user=octocat", "--output", "name")
    assert found == ["docsrun.agents.platform/hers"]


def test_run_with_an_inline_task_is_applied_and_one_with_two_tasks_is_refused(cleared: KubectlBench) -> None:
    own = {"title": "Mend it", "text": "Now.", "url": "https://github.com/acme/shop/issues/12"}
    spec = {name: value for name, value in CODE_SPEC.items() if name != "taskId"}
    meta = {"name": "own-task", "namespace": APART}
    item = raw_run("CodeRun") | {"metadata": meta, "spec": {**spec, "service": "own", "task": own}}
    assert "created" in applied(cleared, item)
    found = driven(cleared.world, parse(cleared.world.kubelet.get(RUNS["CodeRun"], APART, "own-task")))
    assert (found.status.attempt, found.status.task) == (1, "issue-12")
    for wrong in ({**spec, "taskId": 3, "task": own}, spec):
        with pytest.raises(Invalid):
            cleared.world.kubelet.create(RUNS["CodeRun"], item | {"metadata": meta | {"name": "x"}, "spec": wrong})
