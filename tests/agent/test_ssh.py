"""Git over a real sshd with the mounted key and pinned host keys."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from functions.local.dev.server import free_port
from functions.runs.model.reasons import Reason
from functions.runs.model.run_spec import RunSpec
from tests.agent import sshd
from tests.agent.attempts import BRANCH
from tests.agent.conftest import SpecFactory
from tests.agent.sshd import SshServer
from tests.agent.world import Pod, World, plain_settings, result_line


def pod_of(world: World, spec: RunSpec, known_hosts: Sequence[str], key: str) -> Pod:
    settings = plain_settings(github={"known_hosts": list(known_hosts)})
    return world.pod(world.task(spec), settings=settings, secrets={"ssh/id_ed25519": key})


@pytest.mark.parametrize("kind", ["docs", "code"])
def test_attempt_clones_and_pushes_over_ssh(
    ssh_world: World, ssh_server: SshServer, docs_spec: SpecFactory, code_spec: SpecFactory, kind: str
) -> None:
    """The specs have https URLs, which are rewritten because a key is useless for them."""
    spec = docs_spec() if kind == "docs" else code_spec()
    assert spec.repository_url.startswith("https://")
    pod = pod_of(ssh_world, spec, [ssh_server.host_key], ssh_server.private_key)
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    assert result.commit == ssh_world.remotes.tip("shop" if kind == "code" else "platform", BRANCH)


@pytest.mark.parametrize("pinned", ["another", "none"])
def test_unpinned_host_key_ends_the_attempt(
    ssh_world: World, ssh_server: SshServer, code_spec: SpecFactory, pinned: str
) -> None:
    other = f"[127.0.0.1]:{ssh_server.port} {sshd.make_key(ssh_world.path / 'other')}"
    known = [other] if pinned == "another" else []
    pod = pod_of(ssh_world, code_spec(), known, ssh_server.private_key)
    result = pod.run()
    assert (result.outcome, result.reason) == ("failed", Reason.CONFIGURATION_ERROR), pod.log
    assert "github.known_hosts" in result.message
    assert "starting the agent" not in pod.log


def test_unknown_user_key_is_denied(ssh_world: World, ssh_server: SshServer, code_spec: SpecFactory) -> None:
    sshd.make_key(ssh_world.path / "stranger")
    key = (ssh_world.path / "stranger").read_text()
    pod = pod_of(ssh_world, code_spec(), [ssh_server.host_key], key)
    result = pod.run()
    assert (result.outcome, result.reason) == ("failed", Reason.REPOSITORY_DENIED), pod.log
    assert "Permission denied" in result.message


def test_unreachable_ssh_host_is_a_network_error(
    ssh_world: World, ssh_server: SshServer, code_spec: SpecFactory
) -> None:
    ssh_world.remotes.url = ssh_world.remotes.url.replace(str(ssh_server.port), str(free_port()))
    pod = pod_of(ssh_world, code_spec(), [ssh_server.host_key], ssh_server.private_key)
    assert pod.run().reason is Reason.NETWORK, pod.log


def test_two_agents_of_a_service_push_concurrently(
    ssh_world: World, ssh_server: SshServer, code_spec: SpecFactory
) -> None:
    """Each agent has its own workspace."""
    settings = plain_settings(github={"known_hosts": [ssh_server.host_key]})
    secrets = {"ssh/id_ed25519": ssh_server.private_key}
    wait = 'touch "$POD_ROOT/working"; until [[ -e $POD_ROOT/go ]]; do sleep 0.05; done; echo $POD_UID > x'
    pods = [
        ssh_world.pod(
            ssh_world.task(code_spec(), run=run),
            settings=settings,
            secrets=secrets,
            workspace=f"workspace-{run}",
            AGENT_COMMAND=ssh_world.agent(f"{wait}\n{result_line()}"),
        ).start()
        for run in ("r1", "r2")
    ]
    for pod in pods:
        pod.until((pod.root / "working").exists)
    for pod in pods:
        (pod.root / "go").touch()
    assert [pod.wait().reason for pod in pods] == [Reason.COMPLETED] * 2
    contents = {ssh_world.remotes.show("shop", f"agents/{run}-3b2c1:x") for run in ("r1", "r2")}
    assert contents == {"pod-uid-0\n", "pod-uid-1\n"}


SAID = {
    "NetworkError": (
        "fatal: The remote end hung up unexpectedly",
        "fatal: unable to access 'http://127.0.0.1:1/': Empty reply from server",
    ),
    "PushRefused": (
        "remote: fatal: the remote end hung up unexpectedly\n ! [remote rejected] b (pre-receive hook declined)",
    ),
}


def reason_of(config: Path, output: str) -> str:
    command = [sys.executable, str(config / "git_errors.py"), "PushRefused"]
    return subprocess.run(command, input=output, capture_output=True, text=True, check=True).stdout.split()[0]


@pytest.mark.parametrize(("reason", "said"), [(reason, said) for reason, texts in SAID.items() for said in texts])
def test_lost_connection_is_told_from_a_refusal(config: Path, reason: str, said: str) -> None:
    assert reason_of(config, said) == reason


def test_broker_that_ends_while_ssh_runs_is_a_network_error(config: Path, tmp_path: Path) -> None:
    directory = tmp_path / "run/broker"
    directory.mkdir(parents=True)
    (directory / "ready.json").write_text('{"credential": "c"}')
    with socket.socket(socket.AF_UNIX) as broker, contextlib.chdir(directory):
        broker.bind("ssh.sock")
        broker.listen()
        relay = subprocess.Popen(
            [sys.executable, str(config / "ssh_relay.py"), "git@github.com", "git-receive-pack 'acme/shop'"],
            env={"POD_ROOT": str(tmp_path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = broker.accept()
        connection.recv(8192)
        connection.close()
        _, said = relay.communicate(timeout=60)
    assert relay.returncode == 255
    assert reason_of(config, f"{said}fatal: Could not read from remote repository.") == "NetworkError"
