"""infra/kubernetes/kind/up, as far as it works without nodes: every object is created on the real API server.

Fake programs replace docker and kind. kubectl is real, except for `rollout status`, the wait for a run and the
console's `port-forward`, which need nodes. Afterwards the sweep, with the installed settings, creates the Jobs of both
runs.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3

from functions.cluster.client import Cluster
from functions.cluster.kinds import CONFIG_MAP, JOB, SECRET
from functions.local.dev.function_processes import Child
from functions.local.dev.server import free_port
from functions.settings.loading import load
from tests.clients.conftest import served
from tests.support.control_plane import ControlPlane
from tests.support.installed import ROOT
from tests.support.kubeconfigs import cluster_of

NAMESPACE = "orchestrator"
FAKES = {
    "docker": 'echo "docker $*" >>"$CALLS"',
    "kind": 'echo "kind $*" >>"$CALLS"; [[ $1 != get || $2 != kubeconfig ]] || cat "$CLUSTER_KUBECONFIG"',
    "kubectl": 'case " $* " in *" rollout status "* | *"condition=Finished"* | *" port-forward "*) ;;\n'
    '  *"{.status.phase}"*) [[ -z $PHASE ]] || { echo "$PHASE"; exit; }; exec "$KUBECTL" "$@" ;;\n'
    '  *) exec "$KUBECTL" "$@" ;; esac; echo "kubectl $*" >>"$CALLS"',
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository, where `up` keeps its state."""
    root = tmp_path_factory.mktemp("clone")
    for room in ("crds", "infra", "functions/local/example"):
        shutil.copytree(ROOT / room, root / room)
    return root


Run = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def run_up(clone: Path, installed_plane: ControlPlane, program: Callable[[str, str], str]) -> Run:
    """Return a function that runs `up`; its argument is the phase of the runs, empty for the real one."""
    folder = clone / "fakes"
    folder.mkdir()
    for name, script in FAKES.items():
        (folder / name).write_text(f"#!/bin/bash\n{script}\n")
        (folder / name).chmod(0o755)
    environ = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "CALLS": str(clone / "calls"),
        "KUBECTL": program("kubectl", "see kubernetes.io, Install Tools"),
        "CLUSTER_KUBECONFIG": str(installed_plane.kubeconfig),
    }
    command = [str(clone / "infra/kubernetes/kind/up")]

    def run(phase: str) -> "subprocess.CompletedProcess[str]":
        given = {**environ, "PHASE": phase}
        return subprocess.run(command, env=given, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture(scope="module")
def up(clone: Path, run_up: Run) -> list[str]:
    """Run `up` and return its calls of docker, kind and kubectl."""
    done = run_up("")
    assert "4/5" in done.stderr, done.stdout + done.stderr
    assert "docsrun/rehearsal-docs did not succeed" in done.stderr, "there is no node to run it"
    assert done.returncode == 1
    return (clone / "calls").read_text().splitlines()


@pytest.fixture(scope="module")
def cluster(installed_plane: ControlPlane) -> Cluster:
    return cluster_of(installed_plane.kubeconfig)


def test_up_builds_and_loads_each_image(up: list[str]) -> None:
    built = [line for line in up if line.startswith("docker build")]
    assert [line.partition("--tag ")[2].split()[0] for line in built] == [
        "orchestrator:dev",
        "agent:dev",
        "rehearsal:dev",
    ]
    for line in built:
        named = [word for word in line.split() if word.endswith("Dockerfile")]
        assert all((ROOT / word).is_file() for word in named)
    assert "kind load docker-image --name orchestrator orchestrator:dev rehearsal:dev" in up
    assert any(line.startswith("kind create cluster --name orchestrator") for line in up)


def test_up_waits_for_its_deployments_and_the_docs_run(up: list[str]) -> None:
    waits = [line for line in up if line.startswith("kubectl")]
    assert any(
        "rollout status" in line and line.endswith("deployment/git deployment/orchestrator-functions") for line in waits
    )
    assert [line.split()[-1] for line in waits if "Finished" in line] == ["docsrun/rehearsal-docs"]


def test_up_serves_the_console_after_both_runs_succeeded(up: list[str], run_up: Run, clone: Path) -> None:
    assert up
    done = run_up("Succeeded")
    assert done.returncode == 0, done.stderr
    assert "rehearsal-code" in done.stdout
    assert "open http://127.0.0.1:8880" in done.stderr
    last = (clone / "calls").read_text().splitlines()[-1]
    assert last.endswith("port-forward deployment/orchestrator-functions 8880:8084")


def test_up_creates_matching_settings_and_secrets(up: list[str], cluster: Cluster, clone: Path, tmp_path: Path) -> None:
    assert up
    secrets = {
        each["metadata"]["name"]: set(each["data"]) for each in cluster.list(SECRET, NAMESPACE) if "data" in each
    }
    assert secrets["git-host"] == {"host", "user.pub"}
    assert secrets["github-ssh-rehearsal"] == {"ssh-privatekey"}
    assert secrets["claude-api-key"] == {"api-key"}
    settings = installed_settings(cluster, tmp_path)
    assert (settings.agent.image, settings.agent.tag, settings.agent.pull_policy) == ("rehearsal", "dev", "Never")
    assert (settings.broker.image, settings.broker.tag, settings.broker.pull_policy) == ("orchestrator", "dev", "Never")
    (host,) = settings.github.known_hosts
    assert host.split()[1:3] == (clone / ".state/kind/host.pub").read_text().split()[:2]


def installed_settings(cluster: Cluster, folder: Path) -> Any:
    (found,) = [
        each
        for each in cluster.list(CONFIG_MAP, NAMESPACE)
        if "rehearsal" in (each.get("data") or {}).get("settings.yaml", "")
    ]
    (folder / "settings.yaml").write_text(found["data"]["settings.yaml"])
    return load({"ORCHESTRATOR_CONFIG": str(folder / "settings.yaml")})


def test_the_sweep_creates_jobs_of_both_runs(
    up: list[str], cluster: Cluster, installed_plane: ControlPlane, tmp_path: Path
) -> None:
    assert up
    installed_settings(cluster, tmp_path)
    environ = {
        **os.environ,
        "ORCHESTRATOR_CONFIG": str(tmp_path / "settings.yaml"),
        "ORCHESTRATOR_CLUSTER__KUBECONFIG": str(installed_plane.kubeconfig),
    }
    child = Child("sweep", free_port(), environ, tmp_path / "log")
    with served(child) as urls:
        answer = urllib3.request("POST", urls["sweep"], body=b"", retries=False, timeout=100)
    assert answer.status == 200, answer.data
    jobs = list(cluster.list(JOB, NAMESPACE))
    made = {each["metadata"]["labels"]["agents.platform/run"]: each for each in jobs}
    assert {"rehearsal-docs", "rehearsal-code"} <= set(made)
    for name in ("rehearsal-docs", "rehearsal-code"):
        pod = made[name]["spec"]["template"]["spec"]
        containers = pod["containers"]
        assert [each["image"] for each in pod["initContainers"] if each["name"] == "broker"] == ["orchestrator:dev"]
        assert {each["image"] for each in containers if each["name"] == "agent"} == {"rehearsal:dev"}
