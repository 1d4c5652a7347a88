"""Generated sequences of operations on both servers through the same client; whole answers are compared.

| kinds                                | operations                                                                |
|--------------------------------------|---------------------------------------------------------------------------|
| CodeRun, DocsRun, Job, ConfigMap, Pod | create, get, list (selectors, limit, continue), replace, replace of status |
|                                      | merge, JSON and strategic patch, patch of status, dry runs                |
|                                      | delete (options, preconditions, finalizers); watch                        |

A difference is a defect of the embedded server, unless `deliberate` lists it. A failure prints its seed, which
SEQUENCE_SEED repeats, and the shortest sequence found that still shows the difference. The real server has no
controllers here, so that only the operations change objects.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SCALE
from tests.contract.apiserver.client import Server
from tests.contract.apiserver.conftest import new_namespace
from tests.contract.apiserver.operations import Operation, sequence
from tests.contract.apiserver.pieces import CUSTOM, sample
from tests.contract.apiserver.playing import Player
from tests.contract.apiserver.samples import Namespace
from tests.support import control_plane, embedded_server
from tests.support.api import ROOT
from tests.support.waiting import until

SEQUENCES = max(int(200 * SCALE), 1)
LENGTH = 25
SHRINK_SECONDS = 30
Servers = tuple[Server, Server]
Difference = tuple[int, str]
"""Index of the operation, and a description."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str, str], str]) -> Iterator[Servers]:
    """Return the embedded and the real server with the project's CRDs, without controllers."""
    binaries = control_plane.assets()
    if binaries is None:
        assert os.environ.get("CI") != "true", control_plane.INSTALL_HINT
        pytest.skip(f"needs its own server without controllers: {control_plane.INSTALL_HINT}")
    kubectl = program("kubectl", "see kubernetes.io, Install Tools")
    folder = tmp_path_factory.mktemp("sequences")
    with (
        embedded_server.running(folder / "state.sqlite", ROOT / "crds", collecting=False) as url,
        control_plane.running(binaries, tmp_path_factory.mktemp("bare"), controllers=False) as plane,
    ):
        admin = [kubectl, "--kubeconfig", str(plane.kubeconfig)]
        for command in (
            ["apply", "--kustomize", str(ROOT / "crds")],
            ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"],
        ):
            subprocess.run([*admin, *command], check=True, capture_output=True, timeout=90)
        real = Server("real", plane.url, plane.token, plane.certificate)
        _wait_for_watches(real)
        yield Server("embedded", url), real


def _wait_for_watches(server: Server) -> None:
    """Wait until new kinds can be watched from any version: the server's cache starts with a delay."""
    namespace = new_namespace(server)
    for kind in CUSTOM:
        namespace.create(sample(kind, "a"), kind)
        version = server.get(namespace.path(kind)).body["metadata"]["resourceVersion"]
        until(partial(_watches, namespace, kind, version))


def _watches(namespace: Namespace, kind: str, version: str) -> bool:
    return not namespace.server.watch(namespace.path(kind), resourceVersion=version)


def difference(servers: Servers, operations: Sequence[Operation]) -> Difference | None:
    """Return the first difference between the servers' answers, or None."""
    players = [Player(new_namespace(server)) for server in servers]
    for at, operation in enumerate(operations):
        mine, real = (player.play(operation) for player in players)
        if mine != real:
            return at, f"embedded: {json.dumps(mine)}\nreal:     {json.dumps(real)}"
    return None


def shortest(servers: Servers, operations: list[Operation]) -> list[Operation]:
    """Return the sequence without operations that its difference does not need, as far as time allows."""
    end = time.monotonic() + SHRINK_SECONDS
    for at in reversed(range(len(operations) - 1)):
        fewer = operations[:at] + operations[at + 1 :]
        found = difference(servers, fewer) if time.monotonic() < end else None
        if found and found[0] == len(fewer) - 1:
            operations = fewer
    return operations


def shown(operation: Operation) -> str:
    path = "/".join(part for part in (operation.plural, operation.name, operation.subresource) if part)
    body: Any = "" if operation.body is None else json.dumps(operation.body)
    onto = " onto what is there" if operation.onto else ""
    return f"{operation.method} {path} {dict(operation.query)} {operation.media}{onto} {body}"


@pytest.mark.timeout(600)
def test_both_servers_give_equal_answers_to_generated_sequences(
    servers: Servers, record_property: Callable[[str, object], None]
) -> None:
    given = os.environ.get("SEQUENCE_SEED")
    seeds = [given] if given else [f"1-{number}" for number in range(SEQUENCES)]
    played = 0
    for seed in seeds:
        operations = sequence(seed, LENGTH)
        played += len(operations)
        found = difference(servers, operations)
        if found:
            needed = shortest(servers, operations[: found[0] + 1])
            steps = "\n".join(shown(operation) for operation in needed)
            pytest.fail(f"SEQUENCE_SEED={seed}: the servers part at the last of\n{steps}\n{found[1]}")
    record_property("summary", f"{len(seeds)} sequences, {played} operations in all, alike on both servers")


def test_sequence_depends_only_on_the_seed() -> None:
    assert sequence("a", LENGTH) == sequence("a", LENGTH) != sequence("b", LENGTH)


def test_difference_is_found_and_its_sequence_shortened(tmp_path: Path) -> None:
    """Two embedded servers differ in one default, so that a single creation shows the difference."""
    shutil.copytree(ROOT / "crds", tmp_path / "other")
    file = tmp_path / "other" / "coderuns.yaml"
    text = file.read_text()
    assert "default: append" in text
    file.write_text(text.replace("default: append", "default: replace"))
    with (
        embedded_server.running(tmp_path / "one.sqlite", ROOT / "crds", collecting=False) as one,
        embedded_server.running(tmp_path / "two.sqlite", tmp_path / "other", collecting=False) as two,
    ):
        pair = (Server("embedded", one), Server("embedded", two))
        telling = Operation("POST", "coderuns", body=sample("coderuns", "a"))
        before = [each for each in sequence("any", LENGTH) if each.plural != "coderuns"]
        assert difference(pair, before) is None
        assert shortest(pair, [*before, telling]) == [telling]
