"""Programs that the tests of infra/ run."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.installed import ROOT


@pytest.fixture(scope="session")
def kubectl(program: Callable[[str, str], str]) -> str:
    return program("kubectl", "see kubernetes.io, Install Tools")


@pytest.fixture(scope="session")
def checkov() -> Path:
    """It lives in an environment of its own, because of what it pins."""
    path = ROOT / ".parts" / "checkov" / "bin" / "checkov"
    if not path.exists():
        message = "checkov is not installed: make parts"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path
