"""Git LFS where a user works over ssh: the Git host's grant stays with the broker, files come and go through it.

A real sshd answers git-lfs-authenticate; the LFS API that it names is played over HTTP, with an address and a token for
each object, as GitHub's has.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from functions.runs.model.reasons import Reason
from tests.agent import sshd
from tests.agent.conftest import SpecFactory
from tests.agent.sshd import SshServer
from tests.agent.world import World, plain_settings, result_line
from tests.support.http_servers import Handler, listening

BRANCH = "agents/r1-3b2c1"
GRANT = "RemoteAuth granted-7f3a9c2e"
CONTENT = b"content of one\n"
JSON = {"Content-Type": "application/vnd.git-lfs+json"}
ANSWERS = """#!/bin/sh
case $2 in
  git-lfs-authenticate*) echo "$2" >>"{directory}/asked"; cat "{directory}/grant" ;;
  *) exec "{git_shell}" "$@" ;;
esac
"""


@dataclass
class LfsHost:
    """Objects by their ids, and the Authorization of each call of the API."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    authorizations: set[str | None] = field(default_factory=set)


def _handler(host: LfsHost) -> type[Handler]:
    class Answering(Handler):
        def asked(self) -> None:
            body, oid = self.received(), self.path.rpartition("/")[2]
            if self.path == "/api/objects/batch":
                host.authorizations.add(self.headers["Authorization"])
                objects = [self._action(json.loads(body)["operation"], each) for each in json.loads(body)["objects"]]
                self.answer(200, JSON, json.dumps({"transfer": "basic", "objects": objects}).encode())
            elif self.path.startswith("/objects/") and self.headers["Authorization"] == f"Object {oid}":
                if self.command == "PUT":
                    host.objects[oid] = body
                self.answer(200, {}, host.objects[oid] if self.command == "GET" else b"")
            else:
                self.answer(404, JSON, b"{}")

        def _action(self, operation: str, wanted: dict[str, Any]) -> dict[str, Any]:
            header = {"Authorization": f"Object {wanted['oid']}"}
            action = {"href": f"{host.url}/objects/{wanted['oid']}", "header": header}
            return {**wanted, "authenticated": True, "actions": {operation: action}}

    return Answering


@pytest.fixture
def lfs_host() -> Iterator[LfsHost]:
    host = LfsHost()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(host))
    host.url = f"http://127.0.0.1:{server.server_port}"
    with listening(server):
        yield host


@pytest.fixture
def ssh_server(
    program: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory, lfs_host: LfsHost
) -> Iterator[SshServer]:
    """A real sshd of a Git host that has Git LFS."""
    program("git-lfs", "make parts (Debian: apt-get install git-lfs)")
    directory = tmp_path_factory.mktemp("sshd-lfs")
    grant = {"href": f"{lfs_host.url}/api", "header": {"Authorization": GRANT}, "expires_in": 600}
    (directory / "grant").write_text(json.dumps(grant))
    shell = directory / "shell"
    shell.write_text(ANSWERS.format(directory=directory, git_shell=program("git-shell", "apt-get install git")))
    shell.chmod(0o755)
    hint = "make parts (Debian: apt-get install openssh-server)"
    with sshd.serving(program("/usr/sbin/sshd", hint), str(shell), directory) as found:
        yield found


def test_files_come_and_go_and_the_grant_is_the_brokers(
    ssh_world: World, ssh_server: SshServer, lfs_host: LfsHost, code_spec: SpecFactory
) -> None:
    oid = hashlib.sha256(CONTENT).hexdigest()
    lfs_host.objects[oid] = CONTENT
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(CONTENT)}\n"
    attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
    ssh_world.remotes.commit("shop", {".gitattributes": attributes, "one.bin": pointer})
    place, _, path = ssh_world.remotes.url.removeprefix("ssh://").partition("/")
    login, _, port = place.rpartition(":")
    ask = f"$GIT_SSH_COMMAND -p {port} {login} \"git-lfs-authenticate '/{path}shop' upload\""
    agent = f'cat one.bin > seen; echo content of two > two.bin; {ask} > "$POD_ROOT/granted"\n{result_line()}'
    pod = ssh_world.pod(
        ssh_world.task(code_spec(repositoryUrl=f"{ssh_world.remotes.url}shop")),
        settings=plain_settings(github={"known_hosts": [ssh_server.host_key]}),
        secrets={"ssh/id_ed25519": ssh_server.private_key},
        AGENT_COMMAND=ssh_world.agent(agent),
        GIT_TRACE="1",
        GIT_CURL_VERBOSE="1",
    )
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    assert ssh_world.remotes.show("shop", f"{BRANCH}:seen").encode() == CONTENT
    assert sorted(lfs_host.objects.values()) == [CONTENT, b"content of two\n"], pod.log
    assert lfs_host.authorizations == {GRANT}
    assert pod.broker
    granted = json.loads((pod.root / "granted").read_text())
    assert granted["href"].startswith(pod.broker.url)
    assert GRANT.split()[1] not in f"{granted}{pod.log}", "git-lfs shows its calls there"
