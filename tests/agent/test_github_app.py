"""Attempts as a GitHub App: installation tokens with least permissions, kept secret."""

from datetime import timedelta
from pathlib import Path

import pytest

from functions.runs.model.reasons import Reason
from tests.agent import shims
from tests.agent.attempts import BRANCH, clone
from tests.agent.conftest import SpecFactory
from tests.agent.github_app import host, pod_of, pulls, spec_of
from tests.agent.remotes import git
from tests.agent.world import World, result_line
from tests.support.github import Github


@pytest.mark.parametrize("kind", ["docs", "code"])
def test_app_tokens_are_limited_to_the_repositories_of_the_run(
    world: World, github: Github, code_spec: SpecFactory, docs_spec: SpecFactory, kind: str
) -> None:
    pod = pod_of(world, github, spec_of(github, code_spec if kind == "code" else docs_spec))
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    write = {"contents": "write", "pull_requests": "write"}
    expected = [("shop", write), ("platform", {"contents": "read"})] if kind == "code" else [("platform", write)]
    made = [(token.repositories or [], token.permissions) for token in github.app.tokens]
    assert sorted(made) == sorted(([name], permissions) for name, permissions in expected), "one token each, reused"
    repository = expected[0][0]
    assert result.commit == world.remotes.tip(repository, BRANCH)
    assert result.pull_request_url == f"{github.place.url}/acme/{repository}/pull/1"
    assert "5dlabs-rex[bot] <5dlabs-rex[bot]@users.noreply.github.com>" in world.remotes.log(repository, BRANCH)
    assert [(pull["base"]["ref"], pull["head"]["ref"]) for pull in pulls(github)] == [("main", BRANCH)]


@pytest.mark.parametrize(
    "url",
    [
        "git@127.0.0.1:acme/shop.git",
        "ssh://git@127.0.0.1/acme/shop",
        "git@127.0.0.1:/acme/shop.git",
        "ssh://git@127.0.0.1:2222/acme/shop",
    ],
)
def test_ssh_urls_go_over_https_with_an_app(world: World, github: Github, code_spec: SpecFactory, url: str) -> None:
    pod = pod_of(world, github, spec_of(github, code_spec, repositoryUrl=url))
    assert pod.run().reason is Reason.COMPLETED, pod.log


def test_token_is_replaced_before_it_expires(world: World, github: Github, code_spec: SpecFactory) -> None:
    """In the middle of an attempt the first tokens are refused; the attempt still succeeds."""
    github.app.lifetime = timedelta(minutes=9)
    agent = f'touch "$POD_ROOT/working"; until [[ -e $POD_ROOT/go ]]; do sleep 0.05; done; echo x > x\n{result_line()}'
    pod = pod_of(world, github, spec_of(github, code_spec), agent).start()
    pod.until((pod.root / "working").exists)
    early = len(github.app.tokens)
    for token in github.app.tokens:
        token.revoked = True
    (pod.root / "go").touch()
    result = pod.wait()
    assert result.reason is Reason.COMPLETED, pod.log
    assert result.pull_request_url
    assert len(github.app.tokens) > early


def test_second_push_after_a_revocation_gets_a_new_token(world: World, github: Github, code_spec: SpecFactory) -> None:
    agent = f"""
        touch "$POD_ROOT/working"; until [[ -e $POD_ROOT/go ]]; do sleep 0.05; done; echo x > x
        git add x; git commit -qm x; git push -q origin HEAD || git push -q origin HEAD && {result_line()}"""
    pod = pod_of(world, github, spec_of(github, code_spec), agent).start()
    pod.until((pod.root / "working").exists)
    for token in github.app.tokens:
        token.revoked = True
    (pod.root / "go").touch()
    assert pod.wait().reason is Reason.COMPLETED, pod.log


def test_tokens_and_keys_are_in_no_log_report_or_file(world: World, github: Github, code_spec: SpecFactory) -> None:
    agent = f"""
        git config --list > config.txt; git remote -v >> config.txt; env > env.txt
        for each in /proc/[0-9]*; do
          tr '\\0' ' ' < $each/cmdline; tr '\\0' ' ' < $each/environ; echo; done 2>/dev/null > processes.txt || true
        echo x > x; git add x; git commit -qm x; GIT_TRACE=1 GIT_CURL_VERBOSE=1 git push origin HEAD
        printf 'protocol=https\\nhost={host(github)}\\npath=acme/shop\\n' | git credential fill
        cat "$POD_ROOT/secrets/github-app/private-key"
        {result_line()}"""
    pod = pod_of(world, github, spec_of(github, code_spec), agent)
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    assert "password" not in pod.log.replace("could not read Username", "")
    secrets = [token.text for token in github.app.tokens] + github.app.private_key.splitlines()[1:-1]
    places = [
        pod.root / "log",
        pod.root / "dev/termination-log",
        *files(pod.root / "config"),
        *files(world.path / "workspace"),
    ]
    assert not [(path, secret) for path in places for secret in secrets if secret.encode() in path.read_bytes()]
    assert "@" not in git("config", "--get", "remote.origin.url", cwd=clone(world))


def test_tokens_and_keys_are_in_no_command_line_or_environment(
    world: World, github: Github, code_spec: SpecFactory
) -> None:
    noted = shims.make(world.path / "shims", "git", "python3", "timeout")
    pod = pod_of(world, github, spec_of(github, code_spec), PATH=noted.path)
    result = pod.run()
    assert result.pull_request_url, pod.log
    calls = noted.calls()
    assert any("pull_request.py" in call.arguments for call in calls)
    secrets = [token.text for token in github.app.tokens] + github.app.private_key.splitlines()[1:-1]
    assert not [call for call in calls for secret in secrets if secret in call.arguments + call.environ]


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]
