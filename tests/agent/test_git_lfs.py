"""Git LFS through the broker: files are downloaded and uploaded; the LFS credential stays in the broker.

| identity | granted by                                   | the broker                            |
|----------|----------------------------------------------|---------------------------------------|
| a user   | a real sshd, which names an API over HTTP    | keeps the grant, calls the API itself |
| an App   | the GitHub double, for an installation token | adds the token                        |
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer

import pytest

from functions.runs.model.reasons import Reason
from tests.agent import github_app, sshd
from tests.agent.attempts import BRANCH
from tests.agent.conftest import SpecFactory
from tests.agent.sshd import SshServer
from tests.agent.world import Pod, World, plain_settings, result_line
from tests.support.github import Github
from tests.support.http_servers import Handler, listening
from tests.support.lfs import API, JSON, STORED, LfsObjects

GRANT = "RemoteAuth granted-7f3a9c2e"
CONTENT = b"content of one\n"
WORK = "cat one.bin > seen; echo content of two > two.bin"
ANSWERS = """#!/bin/sh
case $2 in
  git-lfs-authenticate*) echo "$2" >>"{directory}/asked"; cat "{directory}/grant" ;;
  *) exec "{git_shell}" "$@" ;;
esac
"""


@dataclass
class LfsHost:
    """The LFS API of a Git host, with the Authorization header of each call."""

    objects: LfsObjects = field(default_factory=LfsObjects)
    authorizations: set[str | None] = field(default_factory=set)
    url: str = ""


def _handler(host: LfsHost) -> type[Handler]:
    class Answering(Handler):
        def asked(self) -> None:
            body = self.received()
            if self.path == f"/api{API}":
                host.authorizations.add(self.headers["Authorization"])
                self.answer(*host.objects.batch(host.url, body))
            elif self.path.startswith(STORED):
                self.answer(*host.objects.stored(self.command, self.path, dict(self.headers), body))
            else:
                self.answer(404, JSON, b"{}")

    return Answering


@pytest.fixture
def git_lfs(program: Callable[[str, str], str]) -> str:
    return program("git-lfs", "make parts (Debian: apt-get install git-lfs)")


@pytest.fixture
def lfs_host() -> Iterator[LfsHost]:
    host = LfsHost()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(host))
    host.url = f"http://127.0.0.1:{server.server_port}"
    with listening(server):
        yield host


@pytest.fixture
def ssh_server(
    program: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory, lfs_host: LfsHost, git_lfs: str
) -> Iterator[SshServer]:
    """Yield a real sshd of a Git host with Git LFS."""
    directory = tmp_path_factory.mktemp("sshd-lfs")
    grant = {"href": f"{lfs_host.url}/api", "header": {"Authorization": GRANT}, "expires_in": 600}
    (directory / "grant").write_text(json.dumps(grant))
    shell = directory / "shell"
    shell.write_text(ANSWERS.format(directory=directory, git_shell=program("git-shell", "apt-get install git")))
    shell.chmod(0o755)
    hint = "make parts (Debian: apt-get install openssh-server)"
    with sshd.serving(program("/usr/sbin/sshd", hint), str(shell), directory) as found:
        yield found


def with_one_file(world: World, objects: LfsObjects) -> None:
    """Add one.bin to the remote shop in Git LFS."""
    oid = hashlib.sha256(CONTENT).hexdigest()
    objects.contents[oid] = CONTENT
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(CONTENT)}\n"
    attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
    world.remotes.commit("shop", {".gitattributes": attributes, "one.bin": pointer})


def check(world: World, pod: Pod, objects: LfsObjects) -> None:
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    assert world.remotes.show("shop", f"{BRANCH}:seen").encode() == CONTENT
    assert sorted(objects.contents.values()) == [CONTENT, b"content of two\n"], pod.log
    assert world.remotes.files("shop", BRANCH) == ["seen", "two.bin"]
    assert world.remotes.show("shop", f"{BRANCH}:two.bin").startswith("version https://git-lfs.github.com/spec/v1\n")


def test_lfs_files_of_a_user_are_transferred_and_the_grant_stays_in_the_broker(
    ssh_world: World, ssh_server: SshServer, lfs_host: LfsHost, code_spec: SpecFactory
) -> None:
    with_one_file(ssh_world, lfs_host.objects)
    place, _, path = ssh_world.remotes.url.removeprefix("ssh://").partition("/")
    login, _, port = place.rpartition(":")
    ask = f"$GIT_SSH_COMMAND -p {port} {login} \"git-lfs-authenticate '/{path}shop' upload\""
    pod = ssh_world.pod(
        ssh_world.task(code_spec(repositoryUrl=f"{ssh_world.remotes.url}shop")),
        settings=plain_settings(github={"known_hosts": [ssh_server.host_key]}),
        secrets={"ssh/id_ed25519": ssh_server.private_key},
        AGENT_COMMAND=ssh_world.agent(f'{WORK}; {ask} > "$POD_ROOT/granted"\n{result_line()}'),
        GIT_TRACE="1",
        GIT_CURL_VERBOSE="1",
    )
    check(ssh_world, pod, lfs_host.objects)
    assert lfs_host.authorizations == {GRANT}
    assert pod.broker
    granted = json.loads((pod.root / "granted").read_text())
    assert granted["href"].startswith(pod.broker.url)
    assert GRANT.split()[1] not in f"{granted}{pod.log}", "git-lfs logs its calls"


@pytest.mark.parametrize("commit", ["", "git add --all; git commit -qm two"])
def test_lfs_files_of_an_app_are_transferred_and_the_token_stays_in_the_broker(
    world: World, github: Github, code_spec: SpecFactory, git_lfs: str, commit: str
) -> None:
    with_one_file(world, github.lfs)
    agent = f"{WORK}\n{commit}\n{result_line()}"
    spec = github_app.spec_of(github, code_spec)
    pod = github_app.pod_of(world, github, spec, agent, GIT_TRACE="1", GIT_CURL_VERBOSE="1")
    check(world, pod, github.lfs)
    assert github.app.tokens
    assert not [token for token in github.app.tokens if token.text in pod.log]


def test_lfs_file_with_a_secret_of_the_run_is_not_uploaded(
    world: World, github: Github, code_spec: SpecFactory, git_lfs: str
) -> None:
    with_one_file(world, github.lfs)
    agent = f'echo "key $DEPLOY_TOKEN" > key.bin; echo w > work\n{result_line()}'
    pod = github_app.pod_of(world, github, github_app.spec_of(github, code_spec), agent)
    result = pod.run()
    assert list(github.lfs.contents.values()) == [CONTENT], pod.log
    assert world.remotes.files("shop", BRANCH) == ["work"]
    assert "key.bin (it contains a secret of this run)" in result.message
