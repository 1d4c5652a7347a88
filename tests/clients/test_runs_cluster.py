"""`orchestrator runs` on a real API server, for a person with the rights of infra/kubernetes/components/people.

without rights    each command names the rights it needs, and the namespace
with rights       list, get, retry, cancel, logs of a run without a pod, and watch until the run ends
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN, NAMESPACE, Kind
from functions.runs import api_group
from tests.clients.conftest import CommandLine, environment
from tests.clients.place import condition, ended
from tests.support.api import ROOT
from tests.support.builders import CODE_SPEC
from tests.support.control_plane import ControlPlane
from tests.support.kubeconfigs import cluster_of

PERSON = "orchestrator-functions"
"""A user without rights in the namespace of these tests except those bound here."""

NAME = "people"
ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
RIGHTS = next(yaml.safe_load_all((ROOT / "infra/kubernetes/components/people/people.yaml").read_text()))["rules"]
WORDS = "get, list, watch and patch of coderuns and docsruns; get and list of pods and get of pods/log"
"""The same words as in docs/access.md."""


@pytest.fixture(scope="module")
def admin(installed_plane: ControlPlane) -> Iterator[Cluster]:
    found = cluster_of(installed_plane.kubeconfig)
    made = found.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}})
    yield found
    found.delete(NAMESPACE, None, NAME, made["metadata"]["uid"])


@pytest.fixture(scope="module")
def kubeconfig(installed_plane: ControlPlane) -> Path:
    return installed_plane.kubeconfig_of(PERSON)


@pytest.fixture
def given(kubeconfig: Path) -> dict[str, str]:
    return {"KUBECONFIG": str(kubeconfig), "ORCHESTRATOR_NAMESPACE": NAME}


@pytest.fixture
def rights(admin: Cluster) -> Iterator[None]:
    made = []
    metadata = {"name": "person", "namespace": NAME}
    subject = {"kind": "User", "name": PERSON, "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "Role", "name": "person", "apiGroup": "rbac.authorization.k8s.io"}
    for kind, parts in ((ROLE, {"rules": RIGHTS}), (BINDING, {"roleRef": role, "subjects": [subject]})):
        item = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **parts}
        made.append((kind, admin.create(kind, item)["metadata"]["uid"]))
    yield
    for kind, uid in made:
        admin.delete(kind, NAME, "person", uid)


def put(admin: Cluster, name: str, status: Any) -> None:
    metadata = {"name": name, "namespace": NAME}
    spec = {**CODE_SPEC, "service": name}
    admin.create(CODE_RUN, {"apiVersion": api_group.API_VERSION, "kind": "CodeRun", "metadata": metadata, "spec": spec})
    admin.patch(CODE_RUN, NAME, name, {"status": status}, "status")


def test_a_command_without_rights_names_the_needed_ones(
    admin: Cluster, cli: CommandLine, given: dict[str, str]
) -> None:
    for command in (("list",), ("watch", "x"), ("retry", "x")):
        refused = cli("runs", *command, environ=given)
        assert (refused.code, refused.out) == (1, "")
        assert f"request rights in namespace {NAME}: get, list, watch and patch coderuns and docsruns" in refused.err


@pytest.mark.usefixtures("rights")
def test_the_documented_rights_suffice_for_every_command(
    admin: Cluster, cli: CommandLine, given: dict[str, str]
) -> None:
    assert WORDS in " ".join((ROOT / "docs" / "access.md").read_text().split())
    put(admin, "works", {"phase": "Running", "conditions": condition("Unknown", "Running")})
    put(admin, "failed", ended("Failed", "AgentError"))
    listed = cli("runs", "list", environ=given)
    assert [line.split()[-1] for line in listed.out.splitlines()] in (
        ["NAME", "works", "failed"],
        ["NAME", "failed", "works"],
    )
    assert "Failed (AgentError)" in cli("runs", "get", "failed", environ=given).out
    assert cli("runs", "retry", "failed", "-m", "again", environ=given).code == 0
    assert cli("runs", "cancel", "works", environ=given).code == 0
    specs = [admin.get(CODE_RUN, NAME, name)["spec"] for name in ("failed", "works")]
    assert (specs[0]["contextVersion"], specs[0]["promptModification"], specs[1]["cancel"]) == (2, "again", True)
    missing = cli("runs", "logs", "works", environ=given)
    assert (missing.code, "has no attempt yet" in missing.err) == (1, True)


@pytest.mark.usefixtures("rights")
@pytest.mark.parametrize(("phase", "reason", "code"), [("Succeeded", "Completed", 0), ("Failed", "MaxTurns", 1)])
def test_a_run_is_watched_to_its_end(
    admin: Cluster, given: dict[str, str], home: Path, phase: str, reason: str, code: int
) -> None:
    name = f"watched-{code}"
    put(admin, name, {"phase": "Running", "conditions": condition("Unknown", "Running")})
    command = [sys.executable, "-m", "functions.clients", "runs", "watch", name]
    environ = {**environment(home), **given}
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        seen = [process.stdout.readline() for _ in range(2)]
        admin.patch(CODE_RUN, NAME, name, {"status": ended(phase, reason, message="so be it")}, "status")
        out, err = process.communicate(timeout=90)
    assert seen[1].split() == ["Running"]
    assert (process.returncode, "next: " in err) == (code, True), err
    assert f"{phase:<10} {reason}: so be it" in out
