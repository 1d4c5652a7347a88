"""Programs and the Terraform state for the tests of infra/."""

import fcntl
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra import terraform
from tests.infra.terraform import State
from tests.support.installed import ROOT


@pytest.fixture(scope="session")
def kubectl(program: Callable[[str, str], str]) -> str:
    return program("kubectl", "see kubernetes.io, Install Tools")


@pytest.fixture(scope="session")
def checkov() -> Path:
    """Return the path of checkov, which has its own environment because of its pinned dependencies."""
    path = ROOT / ".parts" / "checkov" / "bin" / "checkov"
    if not path.exists():
        message = "checkov is not installed: make parts"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def valid() -> str:
    """Return the output of `terraform-check` for infra/terraform and its own tests."""
    done = subprocess.run(
        [terraform.checker(), terraform.FOLDER, "terraform-test"],
        capture_output=True,
        text=True,
        timeout=terraform.SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> State:
    """Return the state of the example; the first test process creates it for all of this test run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base
    with (shared / "terraform-state.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = shared / "terraform-state.json"
        if not file.exists():
            request.getfixturevalue("valid")  # puts the stand-in of the provider into its cache
            file.write_text(json.dumps(terraform.applied(tmp_path_factory.mktemp("terraform"))))
        return terraform.read(json.loads(file.read_text()))
