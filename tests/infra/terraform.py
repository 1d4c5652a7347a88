"""Terraform run without a cloud: the state of infra/terraform after a mocked apply.

Terraform itself and a stand-in of the google provider (`terraform-check`, which knows each resource's arguments) are
real programs: without them tests are skipped, and under CI=true they fail.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.installed import ROOT

FOLDER = ROOT / "infra" / "terraform"
HINT = (
    "terraform-check is not there: set TERRAFORM_CHECK to it. With the real provider: "
    "terraform -chdir=infra/terraform init -backend=false, then terraform -chdir=infra/terraform test"
)
SECONDS = 300
"""The longest time of a command on a busy machine."""


def checker() -> Path:
    """Return the program that replaces the provider."""
    found = Path(os.environ.get("TERRAFORM_CHECK") or "/nonexistent")
    if found.exists() and shutil.which("terraform"):
        return found
    message = HINT if shutil.which("terraform") else "terraform is not installed: see developer.hashicorp.com"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@dataclass(frozen=True)
class Resource:
    """One resource; `key` is its key of for_each, if any."""

    type: str
    name: str
    key: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        return f'{self.type}.{self.name}["{self.key}"]' if self.key else f"{self.type}.{self.name}"


def block(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a block that occurs at most once; empty if missing."""
    found: Mapping[str, Any] = next(iter(values.get(name) or []), {})
    return found


def entry_point(service: Mapping[str, Any]) -> str:
    """Return the entry point that a Cloud Run service serves."""
    variables = service["template"][0]["containers"][0]["env"]
    (found,) = [each["value"] for each in variables if each["name"] == "FUNCTION_TARGET"]
    return str(found)


@dataclass(frozen=True)
class State:
    """All resources, and the outputs."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]

    def of(self, kind: str, name: str = "") -> list[Resource]:
        """Return the resources of a type (`google_` is added), optionally of one name."""
        return [each for each in self.resources if each.type == f"google_{kind}" and name in ("", each.name)]

    def one(self, kind: str, name: str) -> Mapping[str, Any]:
        """Return the values of the only such resource."""
        (found,) = self.of(kind, name)
        return found.values

    def granted(self, kind: str, thing: str, role: str) -> set[tuple[str, str]]:
        """Return (member, id of the thing) of each binding of a role."""
        found = [each.values for each in self.of(kind) if each.values["role"] == f"roles/{role}"]
        return {(each["member"], each[thing]) for each in found}

    def services(self) -> dict[str, Mapping[str, Any]]:
        """Return the Cloud Run services by entry point."""
        found = [each.values for each in self.of("cloud_run_v2_service")]
        return {entry_point(each): each for each in found}

    def without(self, resource: Resource) -> "State":
        """Return the state without a resource."""
        return replace(self, resources=tuple(each for each in self.resources if each is not resource))


def applied(folder: Path) -> Any:
    """Return Terraform's JSON of the example's state, with a mocked provider; run `terraform-check` before."""
    terraform, environ = _initialised(folder)
    variables = ["-var-file=examples/complete.tfvars", f"-var=templates={ROOT / 'templates'}"]
    command = [*terraform, "test", "-test-directory=examples", "-json", "-verbose", *variables]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=SECONDS)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, [each["@message"] for each in said if each["type"] == "diagnostic"]
    (state,) = [each["test_state"] for each in said if each["type"] == "test_state"]
    return state


def read(state: Any) -> State:
    """Parse Terraform's JSON of a state."""
    outputs = {name: each["value"] for name, each in state["outputs"].items()}
    return State(tuple(_resources(state["root_module"]["resources"])), outputs)


def graph(folder: Path) -> str:
    """Return the dependencies of resources, in the language DOT."""
    terraform, environ = _initialised(folder)
    done = subprocess.run([*terraform, "graph"], env=environ, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _initialised(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command for an initialised copy of the sources, and its environment."""
    source = folder / "source"
    shutil.copytree(FOLDER, source, ignore=shutil.ignore_patterns(".terraform*"))
    environ = {**os.environ, "TF_DATA_DIR": str(folder / "data"), **_provider()}
    terraform = ["terraform", f"-chdir={source}"]
    started = subprocess.run(
        [*terraform, "init", "-backend=false", "-input=false"], env=environ, capture_output=True, timeout=SECONDS
    )
    assert started.returncode == 0, started.stderr
    return terraform, environ


def _provider() -> dict[str, str]:
    """Return variables that make Terraform use the stand-in of `terraform-check`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "terraform-check"
    return {"TF_CLI_CONFIG_FILE": str(cache / "terraformrc"), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}


def _resources(items: list[dict[str, Any]]) -> Iterator[Resource]:
    for each in items:
        yield Resource(each["type"], each["name"], str(each.get("index", "")), each["values"])
