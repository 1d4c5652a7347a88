"""A hostile agent searches for secrets and tries to bypass the broker, in a pod of two real containers.

| place of the search                              | secrets found                                     |
|--------------------------------------------------|---------------------------------------------------|
| environment, files, /proc, sockets, git, answers | only the pod's random value, valid for its broker |

| attempt                                             | result                          |
|-----------------------------------------------------|---------------------------------|
| another repository, over HTTPS and over SSH         | nothing that needs a credential |
| another ssh command; push to a read-only repository | a refusal                       |
| another upstream, another path of the model API     | a refusal                       |
| the broker of another pod on the machine            | a refusal                       |
| to write to the broker's shared directory           | a read-only file system         |
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.runs.model.reasons import Reason
from functions.runs.model.report import Report
from functions.runs.model.run_spec import RunSpec
from tests.agent import brokers, github_app
from tests.agent.conftest import PARTS, SpecFactory
from tests.agent.container import Container
from tests.agent.model_server import Model, says, serving
from tests.agent.sshd import SshServer
from tests.agent.world import API_KEY, Pod, World, at, plain_settings, result_line
from tests.support.github import Github

LOOT = r"""
exec 2>&1
loot=$HOME/loot; mkdir -p "$loot"
env >"$loot/environment"; set >"$loot/variables"; git config --list --show-origin >"$loot/git"
find / -maxdepth 1 >"$loot/root"
find /config /dev/shm /dev/termination-log /etc /home /mnt /root /run /secrets /srv /tmp /var /workspace -type f \
  -size -4096k -not -path "$loot/*" -print -exec cat {} + >"$loot/files"
cat /proc/[0-9]*/{environ,cmdline,maps,status} /proc/net/{unix,tcp} >"$loot/proc"
for each in /proc/[0-9]*; do ls -l "$each/fd" "$each/root/"; cat "$each"/root/secrets/*/*; done >"$loot/processes"
ls -laR /run /secrets /config >"$loot/places"; cat /secrets/*/* >>"$loot/places"
echo x >/run/broker/ready.json; echo "write $?" >>"$loot/places"
printf 'protocol=https\nhost=github.com\npath=acme/shop\n' | timeout 5 git credential fill >"$loot/credential" 2>&1
GIT_TRACE=1 GIT_TRACE_CURL=1 GIT_TRACE_PACKET=1 timeout 20 git ls-remote origin >"$loot/trace" 2>&1
python3 /config/hostile.py >"$loot/answers" 2>&1
"""

CALLS = r"""
import http.client, json, os, socket, subprocess
from pathlib import Path

said = json.loads(Path("/run/broker/ready.json").read_text())
value, other = said["credential"], OTHER
bearer = {"Authorization": f"Bearer {value}"}

def ask(name, method, path, headers=bearer, body=None, port=said["port"]):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        print(f"{name}: {answer.status} {dict(answer.headers)} {answer.read()[:20000]!r}")
    except OSError as error:
        print(f"{name}: {error}")

REFS = "/info/refs?service=git-upload-pack"
for path in ("/", "/usage", "/model/", "/pull-request", "/secrets", "/config", "/git/acme/shop/config"):
    ask("look", "GET", path)
ask("other repository", "GET", f"/git/acme/private{REFS}")
ask("other repository by dots", "GET", f"/git/acme/shop/../private{REFS}")
ask("push to what is read", "GET", "/git/acme/platform/info/refs?service=git-receive-pack")
ask("other path", "POST", "/model/v1/files", body=b"{}")
ask("other path by dots", "POST", "/model/v1/messages/../files", body=b"{}")
ask("other upstream", "POST", "http://127.0.0.1:9/v1/messages", body=b"{}")
ask("other host", "POST", "/model/v1/files", {**bearer, "Host": "evil.example"}, b"{}")
ask("tunnel", "CONNECT", "api.github.com:443")
ask("another pod", "GET", "/usage", port=other)
ask("another pod without", "POST", "/model/v1/messages", {}, b"{}", other)
other_branch = b'{"title": "t", "body": "b", "mark": "m", "head": "main", "base": "x"}'
ask("another pull request", "PUT", "/pull-request", body=other_branch)

def ssh(name, command, **changes):
    if not Path("/run/broker/ssh.sock").exists():
        return
    out, into = os.pipe()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("/run/broker/ssh.sock")
        asked = {"credential": value, "command": command, "protocol": "", **PLACE, **changes}
        socket.send_fds(connection, [json.dumps(asked).encode() + b"\n"], [0, into, into])
        os.close(into)
        text = b""
        while piece := os.read(out, 65536):
            text += piece
        print(f"ssh {name}: {connection.recv(16)!r} {text!r}")

for command in ("id", "cat /secrets/ssh/id_ed25519", "git-upload-pack '/etc'", "git-upload-archive 'x'",
                f"git-upload-pack '{DIRECTORY}private'", f"git-receive-pack '{DIRECTORY}platform'",
                f"git-lfs-authenticate '{DIRECTORY}private' download",
                f"git-lfs-authenticate '{DIRECTORY}platform' upload",
                f"git-upload-pack '{DIRECTORY}shop' && id", f"git-upload-pack '{DIRECTORY}shop/../private'"):
    ssh(command, command)
ssh("option", "git-upload-pack 'x'", host="-oProxyCommand=id >/tmp/pwned")
ssh("value", f"git-upload-pack '{DIRECTORY}shop'", credential="another")
"""

SEARCHED = ("/config/broker.json", "/dev/termination-log", "/run/broker/ready.json", "/workspace/")
"""Some paths that the search must find; the last one is the last directory of the search.

Devices are not searched: in this container find(1) takes them for files, and reading them never ends.
"""


@pytest.fixture
def containers() -> Iterator[Callable[..., Container]]:
    if os.getuid() != 0:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs root, to make a container")
    made: list[Container] = []

    def make(pod: Pod, **broker_environ: str) -> Container:
        made.append(Container(pod, broker_environ=broker_environ))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.fixture
def another_pod(tmp_path: Path) -> Iterator[brokers.Running]:
    """Yield another broker on the machine, serving another run."""
    with serving(Model([says("x")])) as model:
        given = {"namespace": "agents", "git": brokers.git_of(), "model": brokers.model_of(model.url)}
        with brokers.serving(brokers.lay_out(tmp_path / "other", given, {"model/credential": "sk-other"})) as running:
            yield running


def hostile(place: dict[str, Any], directory: str, other: int) -> dict[str, str]:
    """Return the task files: the agent's script and its calls to the broker."""
    names = f"OTHER, PLACE, DIRECTORY = {other}, {place!r}, {directory!r}\n"
    done = result_line(result="NO_CHANGES: looked")
    return {"hostile.py": names + CALLS, "hostile.sh": f"( {LOOT} )\n{done}\n"}


def loot(container: Container) -> dict[str, str]:
    """Return what the agent found, by the name of its file."""
    files = (container.pod.root / "home/agent/loot").iterdir()
    return {path.name: path.read_bytes().decode(errors="replace") for path in files}


def check(container: Container, result: Report, secrets: list[str]) -> str:
    """Check that the agent found no secret; return the answers to its calls."""
    assert result.reason is Reason.NO_CHANGES, container.log
    found = loot(container)
    assert {"environment", "files", "proc", "processes", "places", "git", "trace", "answers"} <= found.keys()
    ready = json.loads((container.pod.mounts.shared / "ready.json").read_text())
    assert ready["credential"] in found["files"], "the agent has the pod's own value"
    assert all(f"\n{name}" in found["files"] for name in SEARCHED), "the search was completed"
    assert "/config/container.sh" in found["proc"], "processes were searched"
    assert "ls-remote< " in found["trace"], "git's traffic was recorded"
    places = {**found, "log": container.log, "report": result.model_dump_json()}
    assert not [(where, secret) for secret in secrets for where, text in places.items() if secret in text]
    assert "write 1" in found["places"]
    assert "functions.broker" not in found["proc"], "the broker's processes are not visible"
    answers = found["answers"]
    for line in answers.splitlines():
        name, _, answer = line.partition(": ")
        if name.startswith(("other", "push to", "another", "tunnel")) and name != "other repository":
            assert answer[:3] in ("400", "401", "403", "404", "405", "422"), line
        if name.startswith("ssh"):
            assert answer.startswith("b'128"), line
            assert "the broker refuses" in answer, line
    return answers


@pytest.mark.timeout(300)
def test_hostile_agent_of_an_app_run_finds_no_secret_and_is_refused(
    world: World,
    github: Github,
    code_spec: SpecFactory,
    containers: Callable[..., Container],
    another_pod: brokers.Running,
) -> None:
    private = world.remotes.create("private", {"secret.txt": "not for this run\n"})
    github.repository("acme/private", bare=private)
    with serving(Model([says("x")])) as model:
        spec: RunSpec = github_app.spec_of(github, code_spec)
        settings = plain_settings(**at(model.url), github={"api_url": github.url})
        files = hostile({}, "/", another_pod.ready.port)
        pod = github_app.pod_of(world, github, spec, settings=settings, files=files)
        certificate = (world.path / "github/certificate.pem").read_text()
        (pod.mounts.root / "config/ca.pem").write_text(certificate)
        container = containers(pod, SSL_CERT_FILE="/config/ca.pem")
        container.start(PARTS.parents[1], {"AGENT_COMMAND": "/bin/bash /config/hostile.sh"})
        result = container.wait(200)
    secrets = [API_KEY, "sk-other", another_pod.ready.credential, *github.app.private_key.splitlines()[1:-1]]
    answers = check(container, result, secrets + [token.text for token in github.app.tokens])
    assert world.remotes.tip("private", "main") not in answers
    assert not [token for token in github.app.tokens if "private" in (token.repositories or [])]
    assert "other repository: 302" in answers, "the redirect has no credential"
    assert "head: Extra inputs are not permitted; base: Extra inputs are not permitted" in answers
    assert github_app.pulls(github) == []


@pytest.mark.timeout(300)
def test_hostile_agent_of_a_user_run_finds_no_secret_and_is_refused(
    ssh_world: World,
    ssh_server: SshServer,
    code_spec: SpecFactory,
    containers: Callable[..., Container],
    another_pod: brokers.Running,
) -> None:
    ssh_world.remotes.create("private", {"secret.txt": "not for this run\n"})
    user, _, rest = ssh_world.remotes.url.removeprefix("ssh://").partition("@")
    host, _, port = rest.partition("/")[0].partition(":")
    place = {"user": user, "host": host, "port": int(port)}
    with serving(Model([says("x")])) as model:
        pod = ssh_world.pod(
            ssh_world.task(code_spec()),
            settings=plain_settings(**at(model.url), github={"known_hosts": [ssh_server.host_key]}),
            secrets={"ssh/id_ed25519": ssh_server.private_key},
            files=hostile(place, f"/{rest.partition('/')[2]}", another_pod.ready.port),
        )
        redirect = {name: value for name, value in pod.environ.items() if name.startswith("GIT_CONFIG_")}
        container = containers(pod)
        container.start(PARTS.parents[1], {"AGENT_COMMAND": "/bin/bash /config/hostile.sh", **redirect})
        result = container.wait(200)
    secrets = [API_KEY, "sk-other", another_pod.ready.credential, *ssh_server.private_key.splitlines()[1:-1]]
    answers = check(container, result, secrets)
    assert answers.count("\nssh ") == 12
    assert ssh_world.remotes.tip("private", "main") not in answers
    assert json.loads((pod.mounts.shared / "ready.json").read_text())["problems"] == {}
