"""The rehearsal of infra/kubernetes/kind/up with the files of its image: the Git host, and attempts that push to it."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from functions.local.dev.server import free_port
from functions.runs.model.reasons import Reason
from functions.runs.model.specs import SPECS
from tests.agent.attempts import BRANCH
from tests.agent.container import Container
from tests.agent.sshd import make_key
from tests.agent.world import API_KEY, World, plain_settings
from tests.support import images
from tests.support.images import Image
from tests.support.installed import ROOT

pytestmark = pytest.mark.timeout(images.BUILD_SECONDS)  # the first test that needs the image builds it
RUNS = {
    each["kind"]: each["spec"]
    for each in yaml.safe_load_all((ROOT / "infra/kubernetes/rehearsal/runs.yaml").read_text())
}
IN_CLUSTER = "git.orchestrator.svc:2222"


@dataclass
class GitHost:
    port: int
    keys: Path

    @property
    def ssh(self) -> list[str]:
        trust = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        return ["ssh", "-F", "/dev/null", "-q", "-i", str(self.keys / "user"), *trust, "-o", "BatchMode=yes"]

    def git(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environ = {"PATH": "/usr/bin:/bin", "GIT_SSH_COMMAND": " ".join(self.ssh)}
        return subprocess.run(["git", *arguments], env=environ, capture_output=True, text=True, timeout=60)

    @property
    def url(self) -> str:
        return f"ssh://agent@127.0.0.1:{self.port}/srv/git/acme/shop.git"


@pytest.fixture(scope="module")
def git_host(rehearsal_image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHost]:
    keys = tmp_path_factory.mktemp("keys")
    for name in ("host", "user"):
        make_key(keys / name)
    keys.chmod(0o755)
    (keys / "host").chmod(0o644)  # readable by the pod's group
    host = GitHost(free_port(), keys)
    environ = {"KEYS": str(keys), "PORT": str(host.port)}
    with (keys / "log").open("wb") as log:
        process = rehearsal_image.start(
            ["/opt/rehearsal/git-host"],
            environ=environ,
            writable=("/tmp", "/srv/git"),
            shown=[keys],
            stdout=log,
            stderr=log,
        )
    deadline = time.monotonic() + 60
    while host.git("ls-remote", host.url).returncode:
        assert process.poll() is None, (keys / "log").read_text()
        assert time.monotonic() < deadline, (keys / "log").read_text()
        time.sleep(0.2)
    yield host
    process.kill()
    process.wait(30)


def test_git_host_serves_only_git_to_the_key(git_host: GitHost) -> None:
    assert "refs/heads/main" in git_host.git("ls-remote", git_host.url).stdout
    command = [*git_host.ssh, "-p", str(git_host.port), "agent@127.0.0.1", "id"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode != 0, done.stdout) == (True, "")


@pytest.mark.parametrize("kind", ["DocsRun", "CodeRun"])
def test_rehearsal_run_is_pushed_to_the_git_host(
    rehearsal_image: Image, git_host: GitHost, world: World, kind: str
) -> None:
    there = {key: str(text).replace(IN_CLUSTER, f"127.0.0.1:{git_host.port}") for key, text in RUNS[kind].items()}
    spec = SPECS[kind].model_validate({**RUNS[kind], **{key: there[key] for key in there if key.endswith("Url")}})
    host_key = (git_host.keys / "host.pub").read_text().strip()
    settings = plain_settings(github={"known_hosts": [f"[127.0.0.1]:{git_host.port} {host_key}"]})
    branch = f"{BRANCH}-{kind.lower()}"
    pod = world.pod(
        world.task(spec, branch=branch),
        settings=settings,
        secrets={"ssh/id_ed25519": (git_host.keys / "user").read_text()},
    )
    container = Container(pod)
    try:
        result = container.start_in(rehearsal_image, {"ANTHROPIC_API_KEY": API_KEY, "REHEARSAL_SECONDS": "0"}).wait()
    finally:
        container.end()
    assert (result.outcome, result.reason) == ("succeeded", Reason.COMPLETED), container.log
    assert f"refs/heads/{branch}" in git_host.git("ls-remote", git_host.url).stdout
