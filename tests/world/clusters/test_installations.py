"""CASE K13: two installations on one real cluster; uninstalling one leaves the other working.

| step                                                    | expected                                       |
|---------------------------------------------------------|------------------------------------------------|
| CRDs once, infra/kubernetes/base in two namespaces      | each has its own ledger: one run works in each |
| one's runs are deleted, then kubectl delete --kustomize | its namespace is deleted with its objects      |
| the other afterwards                                    | CRDs, RBAC and run exist; the run finishes     |
| names in a queue that both use                          | begin with the prefix of the installation      |
"""

import os
import secrets
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from functions.cluster.kinds import CODE_RUN, NAMESPACE, Kind
from functions.handlers import job_finished, reconcile
from functions.queues.backends.nats.names import Names
from functions.queues.backends.pubsub.project import Project
from functions.runs.model.run import Run
from functions.settings.limits import LimitSettings
from tests.cluster.conftest import FUNCTIONS_USER, connect
from tests.cluster.driving import deliver
from tests.support import installed
from tests.support.api import Harness
from tests.support.control_plane import ControlPlane
from tests.support.node import SimulatedKubelet
from tests.support.run_steps import DONE, event, job_name, now, reason, submitted

CRD = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")
DEFINITIONS = ("coderuns.agents.platform", "docsruns.agents.platform")


@dataclass
class Installation:
    """infra/kubernetes/base in a namespace, and its functions."""

    folder: Path
    world: Harness
    kubectl: list[str]

    def starts(self) -> Run:
        """Start a run, the only one that the installation's limit allows."""
        world = self.world
        world.configure(limits=LimitSettings(runs=1))
        run = submitted(world, name="only")
        deliver(world, reconcile, event(run.raw, "add"))
        world.job_ready(job_name(world, run))
        return now(world, run)

    def uninstall(self) -> None:
        """Delete the runs, wait until none is left, then delete the installation, as docs/operations.md describes."""
        world = self.world
        self.run("--namespace", world.namespace, "delete", "coderuns,docsruns", "--all", "--wait=false")
        for raw in list(world.kubelet.list(CODE_RUN, world.namespace)):
            deliver(world, reconcile, event(raw))
        assert list(world.kubelet.list(CODE_RUN, world.namespace)) == []
        self.run("delete", "--kustomize", str(self.folder), "--wait=false")

    def run(self, *arguments: str) -> None:
        done = subprocess.run([*self.kubectl, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def installations(
    plane: ControlPlane,
    node: SimulatedKubelet,
    program: Callable[[str, str], str],
    tmp_path: Path,
) -> list[Installation]:
    """Return two installations, made as two people would make them."""
    if not plane.etcd:
        pytest.skip("the test installs infra/kubernetes itself: unset TEST_CLUSTER")
    program_path = program("kubectl", "see kubernetes.io, Install Tools")
    installed.apply(program_path, plane, installed.kustomized(program_path, installed.CRDS))
    found = []
    for name in (f"one-{secrets.token_hex(3)}", f"two-{secrets.token_hex(3)}"):
        folder = tmp_path / name
        folder.mkdir()
        base = os.path.relpath(installed.KUBERNETES / "base", folder.resolve())
        (folder / "kustomization.yaml").write_text(f"namespace: {name}\nresources: [{base}]\n")
        installed.apply(program_path, plane, installed.kustomized(program_path, folder))
        kubectl = [program_path, "--kubeconfig", str(plane.kubeconfig)]
        found.append(Installation(folder, Harness(connect(plane, FUNCTIONS_USER), name, node), kubectl))
    return found


def there(world: Harness, kind: Kind, name: str) -> dict[str, Any]:
    metadata: dict[str, Any] = world.kubelet.get(kind, None, name)["metadata"]
    return metadata


def test_uninstalling_one_installation_leaves_the_other_working(installations: list[Installation]) -> None:
    one, two = installations
    assert [reason(each.starts()) for each in installations] == ["Starting", "Starting"]
    one.uninstall()
    assert "deletionTimestamp" in there(one.world, NAMESPACE, one.world.namespace)
    assert not any("deletionTimestamp" in there(two.world, CRD, name) for name in DEFINITIONS)
    world = two.world
    (raw,) = world.kubelet.list(CODE_RUN, world.namespace)
    job = raw["status"]["jobName"]
    deliver(world, job_finished, event(world.job_ends(job, DONE)))
    assert world.kubelet.get(CODE_RUN, world.namespace, "only")["status"]["phase"] == "Succeeded"


def test_names_in_a_shared_queue_begin_with_the_installation_prefix() -> None:
    for prefix in ("one-", "two-"):
        assert Names(prefix).stream("runs").startswith(prefix)
        assert f"/{prefix}runs" in Project("project", prefix).topic("runs")
