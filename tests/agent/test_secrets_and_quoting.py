"""User text reaches the agent verbatim and is never executed; secrets appear in no output."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.broker import configuration
from functions.broker.ssh_relay import SshFiles, allowed_command
from functions.runs.model.reasons import Reason
from tests.agent import shims
from tests.agent.attempts import pod_of
from tests.agent.conftest import SpecFactory
from tests.agent.sshd import SshServer
from tests.agent.world import API_KEY, DEPLOY_TOKEN, PRIVATE_KEY, World, plain_settings, result_line
from tests.support.python import search_path

TOUCH = "touch $POD_ROOT/pwned"
EVIL = f"$({TOUCH}) `{TOUCH}` '; {TOUCH}; ' \" && {TOUCH} {{{{7*7}}}} {{% x %}}"
EVIL_BRANCH = "b$(touch${IFS}$POD_ROOT/pwned)`touch${IFS}pwned`';touch${IFS}$POD_ROOT/pwned;'\"&&{{7+7}}"
KEY_LINE = PRIVATE_KEY.splitlines()[1]


def pwned(world: World) -> list[Path]:
    return list(world.path.rglob("pwned"))


def test_shell_metacharacters_in_branch_and_directory_are_not_executed(world: World, code_spec: SpecFactory) -> None:
    directory = f"d {EVIL}".replace("$POD_ROOT/", "")
    world.remotes.commit("shop", {f"{directory}/keep": "x"}, branch=EVIL_BRANCH)
    pod = world.pod(world.task(code_spec(branch=EVIL_BRANCH, workingDirectory=directory)))
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    assert not pwned(world)
    assert f"{directory}/rehearsal/task-1.md" in world.remotes.tree("shop", result.branch or "")


def test_shell_metacharacters_in_a_docs_spec_are_not_executed(world: World, docs_spec: SpecFactory) -> None:
    directory = f"d {EVIL}".replace("$POD_ROOT/", "")
    tasks = json.dumps({"tasks": [{"id": 1, "title": EVIL}]})
    world.remotes.commit("platform", {f"{directory}/.taskmaster/tasks/tasks.json": tasks}, branch=EVIL_BRANCH)
    pod = world.pod(world.task(docs_spec(sourceBranch=EVIL_BRANCH, workingDirectory=directory)))
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert not pwned(world)


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_prompt_reaches_the_agent_verbatim(world: World, code_spec: SpecFactory, mode: str) -> None:
    words = f'{EVIL}\n\n"quoted" \\n back\\slash\ttab é ✓\n--not-an-option\n'
    spec = code_spec(promptModification=words, promptMode=mode)
    pod = pod_of(world, spec, 'cat > "$POD_ROOT/prompt"', "NO_CHANGES: read")
    pod.run()
    prompt = (pod.root / "prompt").read_text()
    assert words in prompt
    assert ("## Further instructions" in prompt) == (mode == "append")
    assert ("Implement task 1" in prompt) == (mode == "append")
    assert not pwned(world)


def test_secrets_are_in_no_log_report_or_file(world: World, code_spec: SpecFactory) -> None:
    nosy = f"""
        env; cat "$POD_ROOT/run/broker/ready.json"; echo stderr $DEPLOY_TOKEN >&2
        tr '\\0' ' ' < /proc/$$/cmdline; echo
        git config --list > config.txt
        {result_line(result="the key is")} | sed "s/the key is/the key is $DEPLOY_TOKEN/"
    """
    pod = world.pod(world.task(code_spec()), AGENT_COMMAND=world.agent(nosy))
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    assert "[redacted]" in pod.log
    kept = [pod.root / "log", pod.root / "dev/termination-log"]
    kept += [path for path in (world.path / "workspace").rglob("*") if path.is_file()]
    for secret in (API_KEY, DEPLOY_TOKEN, KEY_LINE):
        assert not [path for path in kept if secret.encode() in path.read_bytes()]


PROGRAMS = ("git", "python3", "find", "flock", "timeout", "sleep")


def test_environment_secrets_are_given_to_the_agent_only(
    ssh_world: World, ssh_server: SshServer, code_spec: SpecFactory
) -> None:
    """No other program of an attempt has them in its arguments or environment."""
    given: dict[str, Any] = {
        "DEPLOY_TOKEN": DEPLOY_TOKEN,
        "DATABASE_PASSWORD": "pw-for-tests-only",
        "SENTRY_TOKEN": "token-for-tests",
    }
    agent = ssh_world.agent(f'env > "$POD_ROOT/env"; export BY_AGENT=1; git status; echo x > x\n{result_line()}')
    noted = shims.make(ssh_world.path / "shims", *PROGRAMS)
    pod = ssh_world.pod(
        ssh_world.task(code_spec()),
        settings=plain_settings(github={"known_hosts": [ssh_server.host_key]}),
        secrets={"ssh/id_ed25519": ssh_server.private_key},
        AGENT_COMMAND=agent,
        PATH=noted.path,
        **given,
    )
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert all(f"{name}={text}" in (pod.root / "env").read_text() for name, text in given.items()), (
        "the agent has the secrets"
    )
    calls = noted.calls()
    assert {"git", "python3"} <= {Path(call.arguments.split("\n")[0]).name for call in calls}
    secrets = [*given.values(), *ssh_server.private_key.splitlines()[1:-1]]
    assert not [call for call in calls for secret in secrets if secret in call.arguments]
    assert not [call for call in calls if not call.by_agent for secret in secrets if secret in call.environ]


def test_private_key_is_in_no_file_that_the_attempt_writes(
    ssh_world: World, ssh_server: SshServer, code_spec: SpecFactory
) -> None:
    """The same holds for the API key: logs, report, task files, git's configuration, remotes, workspace, branch."""
    pod = ssh_world.pod(
        ssh_world.task(code_spec()),
        settings=plain_settings(github={"known_hosts": [ssh_server.host_key]}),
        secrets={"ssh/id_ed25519": ssh_server.private_key},
    )
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    written = [ssh_world.path / "workspace", ssh_world.remotes.root, *(pod.root / name for name in ("home", "tmp"))]
    written += [pod.root / name for name in ("config", "dev", "log")]
    paths = [path for each in written for path in (each, *each.rglob("*")) if path.is_file()]
    assert len(paths) > 50
    secrets = [API_KEY, *ssh_server.private_key.splitlines()[1:-1]]
    assert not [path for path in paths for secret in secrets if secret.encode() in path.read_bytes()]
    assert not list((pod.root / "tmp").iterdir()), "the temporary directory is empty"


def test_report_of_a_failing_agent_has_no_secret(world: World, code_spec: SpecFactory) -> None:
    pod = pod_of(world, code_spec(), "echo cannot use $DEPLOY_TOKEN; exit 1")
    assert pod.run().message == "the agent ended with exit code 1: cannot use [redacted]"


def test_broker_runs_ssh_with_the_key_and_pinned_host_keys(world: World, code_spec: SpecFactory) -> None:
    """This includes https URLs, for which a key is useless; the agent's container has a relay."""
    pod = pod_of(world, code_spec(), 'printf "%s" "$GIT_SSH_COMMAND" > "$POD_ROOT/ssh"', "NO_CHANGES: x")
    pod.run()
    assert (pod.root / "ssh").read_text() == f"python3 -E -s {pod.root}/config/ssh_relay.py"
    assert pod.broker
    files = SshFiles(Path("/secrets/ssh/id_ed25519"), Path("/config/known_hosts"))
    asked = {"host": "github.com", "port": 22, "user": "git", "command": "git-upload-pack '/acme/shop'"}
    wanted = allowed_command(configuration.load(pod.mounts.configuration).git, asked)
    assert wanted
    command = wanted.command(files)
    assert command[:5] == ["ssh", "-F", "/dev/null", "-i", "/secrets/ssh/id_ed25519"]
    assert {"-oStrictHostKeyChecking=yes", "-oUserKnownHostsFile=/config/known_hosts"} <= set(command)
    assert [*command[-2:]] == ["git@github.com", "git-upload-pack 'acme/shop'"]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://github.com/elsewhere/shop", "github.com"),
        ("https://GitHub.com:443/elsewhere/shop", "github.com"),
        ("git@github.com:/elsewhere/shop", "github.com"),
        ("ssh://git@ssh.github.com:443/elsewhere/shop", "ssh.github.com"),
    ],
)
def test_urls_of_github_go_over_ssh_for_a_user(world: World, code_spec: SpecFactory, url: str, host: str) -> None:
    ssh = world.path / "bin/ssh"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {world.path}/ssh-arguments\nexit 255\n')
    ssh.chmod(0o755)
    pod = world.pod(world.task(code_spec(repositoryUrl=url)))
    with pytest.MonkeyPatch.context() as patch:  # the broker runs in this process
        patch.setenv("PATH", f"{ssh.parent}:{search_path()}")
        assert pod.run().reason is Reason.REPOSITORY_DENIED
    asked = (world.path / "ssh-arguments").read_text()
    assert f"git@{host}\n" in asked
    assert "elsewhere/shop'" in asked


def test_repository_whose_url_has_another_ssh_port_is_reached_there_by_any_url(
    world: World, code_spec: SpecFactory
) -> None:
    """The platform's URL is of the same repository; the rules of git lead it to port 22."""
    url = "ssh://git@ssh.github.com:443/acme/shop"
    pod = world.pod(world.task(code_spec(repositoryUrl=url, platformRepositoryUrl="https://github.com/acme/shop")))
    git = configuration.load(pod.mounts.configuration).git
    asked = {"host": "github.com", "port": 22, "user": "git", "command": "git-receive-pack 'acme/shop.git'"}
    for at in (asked, {**asked, "host": "ssh.github.com", "port": 443}):
        found = allowed_command(git, at)
        assert found
        assert (found.target.host, found.target.port) == ("ssh.github.com", 443)
    for changes in ({"host": "gitlab.com"}, {"command": "git-upload-pack 'acme/other'"}):
        assert allowed_command(git, {**asked, **changes}) is None
