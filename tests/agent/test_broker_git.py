"""Git through the broker: the App's token and the user's key stay there and open the run's repositories only."""

import base64
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from functions.broker.readiness import SOCKET
from functions.broker.server import Mounts
from tests.agent import brokers
from tests.agent.brokers import Running
from tests.agent.sshd import SshServer
from tests.agent.world import World
from tests.support.github import Github

APP: dict[str, Any] = {"app": {"name": "5DLabs-Rex", "secret": "github-app-rex"}}
USER: dict[str, Any] = {"user": {"login": "octocat", "secret": "github-ssh-octocat"}}


def app_mounts(world: World, github: Github) -> Mounts:
    host = github.place.url.removeprefix("https://")
    secrets = {"github-app/app-id": str(github.app.id), "github-app/private-key": github.app.private_key}
    wanted = {"repository": "acme/shop", "head": "agents/x", "base": "main"}
    given = {"namespace": "agents", "git": brokers.git_of(host, github.url, **APP), "pull_request": wanted}
    return brokers.lay_out(world.path / "broker-pod", given, secrets)


@pytest.fixture
def app(world: World, github: Github) -> Iterator[Callable[[], Running]]:
    """Return a function that starts the broker of a run with an App."""
    with brokers.serving(app_mounts(world, github)) as found:
        yield lambda: found


def git(running: Running, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    environ = {"PATH": os.environ["PATH"], "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    command = ["git", *identity, *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**environ, **running.git_environ}, capture_output=True, text=True, check=False
    )


def test_clone_and_push_work_with_a_token_that_git_never_sees(
    world: World, github: Github, app: Callable[[], Running]
) -> None:
    running = app()
    assert running.ready.problems == {}
    cloned = git(running, "clone", "-q", f"{running.url}/git/acme/shop.git", "work", cwd=world.path)
    assert cloned.returncode == 0, cloned.stderr
    work = world.path / "work"
    (work / "large.bin").write_bytes(os.urandom(3_000_000))  # above http.postBuffer: sent in chunks
    git(running, "add", ".", cwd=work)
    git(running, "commit", "-qm", "large", cwd=work)
    pushed = git(running, "push", "origin", "HEAD:refs/heads/agents/x", cwd=work)
    assert pushed.returncode == 0, pushed.stderr
    assert world.remotes.tip("shop", "agents/x")
    made = sorted((token.repositories or [], token.permissions) for token in github.app.tokens)
    assert made == [(["platform"], {"contents": "read"}), (["shop"], {"contents": "write", "pull_requests": "write"})]


def test_push_to_a_read_only_repository_is_refused(world: World, app: Callable[[], Running]) -> None:
    running = app()
    url = f"{running.url}/git/acme/platform.git"
    assert git(running, "clone", "-q", url, "read", cwd=world.path).returncode == 0
    pushed = git(running, "push", "origin", "HEAD:refs/heads/x", cwd=world.path / "read")
    assert "403" in pushed.stderr


def test_revoked_token_is_replaced_by_the_broker(world: World, github: Github, app: Callable[[], Running]) -> None:
    running = app()
    for token in github.app.tokens:
        token.revoked = True
    assert git(running, "ls-remote", f"{running.url}/git/acme/shop", cwd=world.path).returncode == 0
    assert len(github.app.tokens) == 3


@pytest.mark.parametrize(
    "path",
    [
        "acme/shop/info/refs?service=git-upload-archive",
        "acme/shop/info/refs",
        "acme/shop/HEAD",
        "acme/shop/objects/info/packs",
        "acme/shop/info/../../other/info/refs?service=git-upload-pack",
        "acme/shop/..%2fother/info/refs?service=git-upload-pack",
        "acme/platform.git/git-receive-pack",
    ],
)
def test_other_git_endpoints_of_a_repository_are_refused(github: Github, app: Callable[[], Running], path: str) -> None:
    running = app()
    with requests.Session() as session:
        request = requests.Request("GET", "http://x", headers=running.bearer).prepare()
        request.url = f"{running.url}/git/{path}"  # unnormalised: no path segment is resolved
        answer = session.send(request, allow_redirects=False)
    assert answer.status_code in (302, 403, 404), answer.text
    assert "broker-" not in answer.headers.get("Location", "")


def test_other_repositories_are_redirected_to_the_host_without_a_credential(
    github: Github, app: Callable[[], Running]
) -> None:
    running = app()
    url = f"{running.url}/git/acme/other.git/info/refs?service=git-upload-pack"
    answer = requests.get(url, headers=running.bearer, allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{github.place.url}/acme/other.git/info/refs?service=git-upload-pack"
    assert not [token for token in github.app.tokens if "other" in (token.repositories or [])]


def test_caller_without_the_pods_value_is_refused(app: Callable[[], Running]) -> None:
    running = app()
    basic = base64.b64encode(b"x:another").decode()
    for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": f"Basic {basic}"}, {"x-api-key": ""}):
        for path in ("git/acme/shop/info/refs?service=git-upload-pack", "usage", "model/v1/messages", "nothing"):
            assert requests.get(f"{running.url}/{path}", headers=headers, timeout=10).status_code == 401


def test_broker_opens_and_updates_the_pull_request_of_the_run(
    world: World, github: Github, app: Callable[[], Running]
) -> None:
    running = app()
    world.remotes.commit("shop", {"x": "x"}, branch="agents/x")

    def put(**text: str) -> requests.Response:
        return requests.put(f"{running.url}/pull-request", json=text, headers=running.bearer, timeout=10)

    first = put(title="one", body="made by run r1", mark="made by run r1")
    assert first.json() == {"url": f"{github.place.url}/acme/shop/pull/1"}
    assert put(title="two", body="again, made by run r1", mark="made by run r1").json() == first.json()
    pull = github.repository("acme/shop").pulls[1]
    assert (pull["title"], pull["head"]["ref"], pull["base"]["ref"]) == ("two", "agents/x", "main")
    assert put(title="three", body="x", mark="made by run r2").json() == first.json()
    assert github.repository("acme/shop").pulls[1]["title"] == "two", "the text of another author is kept"
    assert put(title="", body="x", mark="m", head="main").status_code == 422


def test_missing_app_key_is_named_with_secret_and_namespace(world: World, github: Github) -> None:
    mounts = app_mounts(world, github)
    (mounts.secrets / "github-app/private-key").unlink()
    with brokers.serving(mounts) as running:
        problem = running.ready.problems["git"]
    words = "secret github-app-rex with key private-key is missing or empty in namespace agents"
    command = "kubectl --namespace agents create secret generic github-app-rex --from-file=app-id=FILE"
    assert problem.reason == "MissingSecret"
    applied = "--from-file=private-key=FILE --dry-run=client -o yaml | kubectl apply -f -"
    assert problem.message == f"{words}; set it with: {command} {applied}"


@pytest.fixture
def user_mounts(ssh_world: World, ssh_server: SshServer) -> Mounts:
    """Return the mounts of a run that works as a user, on the real sshd."""
    git = brokers.git_of(**USER)
    for repository in git["repositories"]:
        repository["url"] = f"{ssh_world.remotes.url}{repository['name'].removeprefix('acme/')}"
    given = {"namespace": "agents", "git": git}
    mounts = brokers.lay_out(ssh_world.path / "broker-pod", given, {"ssh/id_ed25519": ssh_server.private_key})
    mounts.known_hosts.write_text(f"{ssh_server.host_key}\n")
    return mounts


@pytest.fixture
def user(user_mounts: Mounts) -> Iterator[Running]:
    with brokers.serving(user_mounts) as running:
        yield running


def asked(running: Running, world: World, **changes: str | int) -> dict[str, str | int]:
    """Return the relay request of a git fetch from shop."""
    user, _, rest = world.remotes.url.removeprefix("ssh://").partition("@")
    host, _, port = rest.partition("/")[0].partition(":")
    path = f"/{rest.partition('/')[2]}shop"
    place: dict[str, str | int] = {"user": user, "host": host, "port": int(port)}
    command = f"git-upload-pack '{path}'"
    return {"credential": running.ready.credential, **place, "command": command, "protocol": "version=2", **changes}


def relay(running: Running, request: dict[str, str | int]) -> tuple[int, str]:
    """Send a relay request; return the exit code and output of the command that the broker runs."""
    stdin, stdout = os.pipe(), os.pipe()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"/proc/self/fd/{os.open(running.mounts.shared, os.O_RDONLY)}/{SOCKET}")
        socket.send_fds(client, [json.dumps(request).encode() + b"\n"], [stdin[0], stdout[1], stdout[1]])
        for each in (stdin[0], stdout[1]):
            os.close(each)
        with suppress(BrokenPipeError):  # the request was refused already
            os.write(stdin[1], b"0000")
        os.close(stdin[1])
        with os.fdopen(stdout[0], "rb") as output:
            text = output.read().decode(errors="replace")
        return int(client.recv(16)), text


def test_git_fetches_over_ssh_with_a_key_that_only_the_broker_has(user: Running, ssh_world: World) -> None:
    assert user.ready.problems == {}
    code, text = relay(user, asked(user, ssh_world))
    assert code == 0, text
    assert "refs/heads/main" in text


def test_restarted_broker_serves_the_running_agent(user_mounts: Mounts, ssh_world: World) -> None:
    with brokers.serving(user_mounts) as before:
        pass
    with brokers.serving(user_mounts):
        code, text = relay(before, asked(before, ssh_world))
        assert code == 0, text
        assert requests.get(f"{before.url}/usage", headers=before.bearer, timeout=30).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"credential": "another pod's"},
        {"command": "git-upload-pack '/etc'"},
        {"command": "git-upload-archive '{shop}'"},
        {"command": "git-upload-pack '{shop}'; id"},
        {"command": "git-upload-pack '{shop}' --strict"},
        {"command": "sh -c id"},
        {"command": ""},
        {"command": "git-receive-pack '{platform}'"},
        {"command": "git-lfs-authenticate '{platform}' upload"},
        {"command": "git-lfs-authenticate '{shop}' download; id"},
        {"command": "git-lfs-transfer '{shop}' upload"},
        {"command": "git-upload-pack '{shop}/../other'"},
        {"host": "localhost"},
        {"host": "-oProxyCommand=id"},
        {"port": 22},
    ],
)
def test_other_ssh_commands_and_hosts_are_refused(
    user: Running, ssh_world: World, changes: dict[str, str | int]
) -> None:
    shop = str(asked(user, ssh_world)["command"]).split("'")[1]
    platform = shop.removesuffix("shop") + "platform"
    command = str(changes.get("command", "")).replace("{shop}", shop).replace("{platform}", platform)
    code, text = relay(user, asked(user, ssh_world, **{**changes, **({"command": command} if command else {})}))
    assert code == 128
    assert text.startswith("the broker refuses: ")
    assert "uid=" not in text


def test_ssh_ends_when_its_client_disconnects(user: Running, ssh_world: World) -> None:
    ends: Sequence[int] = os.pipe()
    out = os.pipe()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"/proc/self/fd/{os.open(user.mounts.shared, os.O_RDONLY)}/{SOCKET}")
        line = json.dumps(asked(user, ssh_world)).encode() + b"\n"
        socket.send_fds(client, [line], [ends[0], out[1], out[1]])
        os.close(out[1])
        assert os.read(out[0], 1), "ssh has started and waits for input"
    with os.fdopen(out[0], "rb") as output:
        output.read()  # ends with ssh
    for each in ends:
        os.close(each)
