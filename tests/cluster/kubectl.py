"""kubectl and the functions in one namespace, on the embedded API server and on a real one."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.local.dev.cluster import write_kubeconfig
from tests.cluster.conftest import APART, FUNCTIONS_USER, connect
from tests.support.api import Harness, api_server, transport

PATIENCE = 60
"""Timeout of kubectl in seconds."""


@dataclass
class KubectlBench:
    """A namespace on one of the servers, with a harness and a kubectl command for it."""

    world: Harness
    kubectl: Sequence[str]

    def get(self, *arguments: str) -> list[str]:
        """Return the lines that `kubectl get` prints."""
        return self.run("get", *arguments).splitlines()

    def run(self, *arguments: str, given: str = "") -> str:
        """Return the output of a kubectl command; `given` is its standard input."""
        command = [*self.kubectl, *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(params=["embedded", "real"])
def bench(request: pytest.FixtureRequest, tmp_path: Path, program: Callable[[str, str], str]) -> Iterator[KubectlBench]:
    kubectl = program("kubectl", "see kubernetes.io, Install Tools")
    common = [kubectl, "--cache-dir", str(tmp_path / "cache"), "-n", APART]
    if request.param == "real":
        plane, node, base = (request.getfixturevalue(each) for each in ("plane", "node", "base"))
        world = Harness(connect(plane, FUNCTIONS_USER), base(APART), node)
        yield KubectlBench(world, [*common, "--kubeconfig", str(plane.kubeconfig)])
        return
    with api_server(tmp_path / "state.sqlite") as url:
        file = write_kubeconfig(tmp_path, url, APART)
        yield KubectlBench(Harness(transport(url, tmp_path), APART), [*common, "--kubeconfig", str(file)])
