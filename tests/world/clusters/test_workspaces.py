"""CASES C3, SPEC 5: a workspace belongs to one identity and one repository."""

from typing import Any

from functions.cluster.kinds import CODE_RUN, VOLUME_CLAIM
from functions.runs.model.code_run_spec import CodeRunSpec
from tests.support.api import Harness
from tests.support.run_steps import now, reason, run_event, submitted


def workspace(world: Harness, name: str, **spec: Any) -> str:
    """Start a new run; return the name of its volume claim."""
    run = submitted(world, name=name, **spec)
    run_event(world, run.raw, "add")
    found = now(world, run)
    assert reason(found) == "Starting", found.status.message
    return found.status.workspace_name or ""


def test_workspace_belongs_to_one_identity_and_one_repository(world: Harness) -> None:
    user = {"githubApp": None, "githubUser": "Octo_cat"}
    names = [
        workspace(world, "app"),
        workspace(world, "other-app", githubApp="Acme-Cleo"),
        workspace(world, "user", **user),
        workspace(world, "other-user", **user | {"githubUser": "hubot"}),
        workspace(world, "repository", repositoryUrl="https://git.example/other.git"),
        workspace(world, "service", service="web"),
    ]
    assert len(set(names)) == len(names)
    assert names[2].startswith("workspace-api-octo.cat-")
    again = submitted(world, name="again", repositoryUrl="git@git.example:shop.git")  # the first repository, over SSH
    run_event(world, again.raw, "add")
    assert now(world, again).status.message == f"waits: CodeRun app works in workspace {names[0]}"


def claim(world: Harness, name: str, **labels: str) -> None:
    """Create the volume claim that an earlier version made for service api and agent rex."""
    known = {"agents.platform/service": "api", "agents.platform/agent": "rex"}
    ours = {**known, "app.kubernetes.io/managed-by": "orchestrator", **labels}
    metadata = {"name": name, "namespace": world.namespace, "labels": ours}
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    item = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": wanted}
    world.kubelet.create(VOLUME_CLAIM, item)


def test_volume_claim_labelled_with_another_repository_is_refused(world: Harness) -> None:
    run = submitted(world)
    assert isinstance(run.spec, CodeRunSpec)
    claim(world, run.spec.workspace, **{"agents.platform/workspace": "0123abcd"})
    run_event(world, run.raw, "add")
    ended = now(world, run)
    assert reason(ended) == "NameTaken"
    assert "workspace of another service, identity or repository" in (ended.status.message or "")


def test_run_keeps_its_volume_claim_over_an_upgrade(world: Harness) -> None:
    """An earlier version named the claim by service and agent alone, without a key."""
    run = submitted(world)
    claim(world, "workspace-api-rex")
    stored = world.kubelet.get(CODE_RUN, world.namespace, run.name)
    stored["status"] = {**stored.get("status", {}), "workspaceName": "workspace-api-rex"}
    world.kubelet.replace_status(CODE_RUN, stored)
    run_event(world, world.kubelet.get(CODE_RUN, world.namespace, run.name), "add")
    found = now(world, run)
    assert (reason(found), found.status.workspace_name) == ("Starting", "workspace-api-rex")
    assert [each["metadata"]["name"] for each in world.kubelet.list(VOLUME_CLAIM, world.namespace)] == [
        "workspace-api-rex"
    ]
