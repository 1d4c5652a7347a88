"""The project's CRDs in the embedded server: validation of runs, and their columns."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.apiserver.client import TABLE, Obj, Server
from tests.contract.apiserver.conftest import new_namespace
from tests.contract.apiserver.samples import Namespace
from tests.support import embedded_server

CRDS = Path(__file__).resolve().parents[3] / "crds"
BASE = "/apis/agents.platform/v1"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    with embedded_server.running(tmp_path_factory.mktemp("project") / "state.sqlite", CRDS) as url:
        yield new_namespace(Server("embedded", url))


def run(kind: str, name: str, **spec: object) -> Obj:
    common = {"repositoryUrl": "https://github.com/a/b", "model": "claude-x", "githubApp": "5DLabs-Rex"}
    meta = {"name": name, "finalizers": ["agents.platform/cleanup"]}
    return {"apiVersion": "agents.platform/v1", "kind": kind, "metadata": meta, "spec": {**common, **spec}}


RUNS = [
    ("docsruns", run("DocsRun", "a", sourceBranch="main")),
    (
        "coderuns",
        run("CodeRun", "a", taskId=1, service="shop", platformRepositoryUrl="https://github.com/a/platform"),
    ),
]


@pytest.mark.parametrize(("plural", "body"), RUNS, ids=["docs", "code"])
def test_run_is_created_shown_and_deleted(project: Namespace, plural: str, body: Obj) -> None:
    path = f"{BASE}/namespaces/{project.name}/{plural}"
    created = project.server.post(path, body)
    assert created.code == 201, created.text
    condition = {"type": "Succeeded", "status": "Unknown", "reason": "Running", "message": "it runs"}
    condition["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    status = project.server.patch(f"{path}/a/status", {"status": {"phase": "Running", "conditions": [condition]}})
    assert status.code == 200, status.text
    shown = project.server.call("GET", path, Accept=TABLE).body
    cells = dict(zip([c["name"] for c in shown["columnDefinitions"]], shown["rows"][0]["cells"], strict=True))
    assert (cells["Name"], cells["Phase"]) == ("a", "Running")
    project.server.delete(f"{path}/a")
    assert project.server.patch(f"{path}/a", {"metadata": {"finalizers": None}}).code == 200
    assert project.server.get(f"{path}/a").code == 404


def test_only_a_numbered_task_needs_a_platform_repository(project: Namespace) -> None:
    path = f"{BASE}/namespaces/{project.name}/coderuns"
    own = project.server.post(path, run("CodeRun", "own", service="shop", task={"title": "Mend it"}))
    assert own.code == 201, own.text
    answer = project.server.post(path, run("CodeRun", "none", service="shop", taskId=1))
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert "spec.platformRepositoryUrl: Required value" in answer.message


@pytest.mark.parametrize("branch", ["main\n", "a b", "-x", "a..b", "$(touch x)"])
def test_an_invalid_branch_is_refused(project: Namespace, branch: str) -> None:
    path = f"{BASE}/namespaces/{project.name}/docsruns"
    answer = project.server.post(path, run("DocsRun", "b", sourceBranch=branch))
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert "spec.sourceBranch" in answer.message
