"""The examples for GitOps tools in infra/kubernetes/gitops."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from functions.runs.model.run import Run
from tests.support.builders import raw_run
from tests.support.installed import KUBERNETES, ROOT
from tests.world.clusters.states import STATES

GITOPS = KUBERNETES / "gitops"
HEALTH = {"InProgress": "Progressing", "Current": "Healthy", "Failed": "Degraded"}
"""Argo CD's health for each kstatus."""


def lua(value: Any) -> str:
    """Return the value as a Lua literal; a null is left out, as Argo CD decodes JSON."""
    match value:
        case dict():
            fields = (f"[{lua(key)}] = {lua(inner)}" for key, inner in value.items() if inner is not None)
            return "{" + ", ".join(fields) + "}"
        case list():
            return "{" + ", ".join(map(lua, value)) + "}"
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            return '"' + "".join(f"\\{byte:03d}" for byte in str(value).encode()) + '"'


@pytest.fixture
def health(program: Callable[[str, str], str]) -> Callable[[Any], tuple[str, str]]:
    """Return a function that runs the health check on an object and returns its status and message."""
    interpreter = program("lua5.4", "Debian: apt-get install lua5.4")
    config = yaml.safe_load((GITOPS / "argocd-cm.yaml").read_text())
    script = yaml.safe_load(config["data"]["resource.customizations"])["agents.platform/*"]["health.lua"]

    def ask(obj: Any) -> tuple[str, str]:
        asked = f"obj = {lua(obj)}\nlocal function check()\n{script}\nend\n"
        asked += "local health = check()\nio.write(health.status, '\\n', health.message)\n"
        done = subprocess.run([interpreter, "-"], input=asked, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        status, _, message = done.stdout.partition("\n")
        return status, message

    return ask


@pytest.mark.parametrize(("found", "expected"), STATES)
def test_argo_cd_health_agrees_with_kstatus_in_each_state(
    health: Callable[[Any], tuple[str, str]], found: Run, expected: str
) -> None:
    status, message = health(found.to_status_update(found.status))
    assert status == HEALTH[expected]
    shown = found.status.succeeded
    assert shown
    assert message.startswith(f"{shown.reason}: ")


def test_run_without_a_status_is_progressing(health: Callable[[Any], tuple[str, str]]) -> None:
    assert health(raw_run()) == ("Progressing", "waits for the functions")


def test_run_with_an_unobserved_generation_is_progressing(health: Callable[[Any], tuple[str, str]]) -> None:
    found, _ = STATES[-1]
    changed = found.to_status_update(found.status)
    changed["metadata"] = {**changed["metadata"], "generation": 9}
    assert health(changed) == ("Progressing", "the change of its spec is not observed yet")


def test_flux_installs_the_crds_first_and_never_prunes_them() -> None:
    items = list(yaml.safe_load_all((GITOPS / "flux.yaml").read_text()))
    kustomizations = {item["metadata"]["name"]: item["spec"] for item in items if item["kind"] == "Kustomization"}
    order = [spec.get("dependsOn", [{}])[0].get("name") for spec in kustomizations.values()]
    assert order == [None, *list(kustomizations)[:-1]]
    assert kustomizations["agents-definitions"]["prune"] is False
    for name in ("agents-definitions", "agents-installation"):
        assert (ROOT / kustomizations[name]["path"] / "kustomization.yaml").is_file()
