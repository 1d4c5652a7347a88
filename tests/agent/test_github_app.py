"""A GitHub App at work: real HTTPS, real git, a GitHub of our own that checks keys, tokens and what they may do.

token         made for the repositories of the attempt alone, least permissions, replaced before it ends
kept secret   in no URL, log, command line, environment, configuration or work tree
pull request  opened once, back to the base branch; found where it is open; else a link to open it
refused       App not installed, not accepted, no write access, GitHub down: each in words for people
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.runs.reasons import Reason
from functions.runs.specs import RunSpec
from tests.agent import shims
from tests.agent.conftest import SpecFactory
from tests.agent.remotes import git
from tests.agent.world import Pod, World, plain_settings, result_line
from tests.support.github import Github, Repository, serving
from tests.support.github.app import Token, new_key
from tests.support.github.certificate import Certificate, make
from tests.support.github.content import Object

BRANCH = "agents/r1-3b2c1"
APP = {"githubUser": None, "githubApp": "5DLabs-Rex"}


TOKENS = "POST /app/installations/77/access_tokens"


@pytest.fixture
def certificate(world: World) -> Certificate:
    directory = world.path / "github"
    directory.mkdir()
    return make(directory)


@pytest.fixture
def github(world: World, certificate: Certificate) -> Iterator[Github]:
    with serving(Github(), certificate) as found:
        for name in ("shop", "platform"):
            found.repository(f"acme/{name}", bare=world.remotes.root / name)
        yield found


@pytest.fixture
def shop(github: Github) -> Repository:
    return github.repository("acme/shop")


def pulls(github: Github) -> list[Object]:
    return [pull for each in github.repositories for pull in each.pulls.values()]


def host(github: Github) -> str:
    return github.place.url.removeprefix("https://")


def spec_of(github: Github, make: SpecFactory, **changes: Any) -> RunSpec:
    base = f"{github.place.url}/acme"
    if "platformRepositoryUrl" in make().model_dump(by_alias=True):
        return make(
            **{"repositoryUrl": f"{base}/shop", "platformRepositoryUrl": f"{base}/platform", **APP, **changes}
        )
    return make(**{"repositoryUrl": f"{base}/platform.git", **APP, **changes})


def pod_of(world: World, github: Github, spec: RunSpec, agent: str = "", **changes: Any) -> Pod:
    secrets = {"github-app/app-id": str(github.app.id), "github-app/private-key": github.app.private_key}
    certificate = str(world.path / "github" / "certificate.pem")
    given: dict[str, Any] = {
        "settings": plain_settings(github={"api_url": github.url}),
        "secrets": secrets,
        "SSL_CERT_FILE": certificate,
        "GIT_SSL_CAINFO": certificate,
    }
    if agent:
        given["AGENT_COMMAND"] = world.agent(agent)
    return world.pod(world.task(spec), **given | changes)


@pytest.mark.parametrize("kind", ["docs", "code"])
def test_an_app_works_with_tokens_for_its_repositories_alone(
    world: World, github: Github, code_spec: SpecFactory, docs_spec: SpecFactory, kind: str
) -> None:
    pod = pod_of(world, github, spec_of(github, code_spec if kind == "code" else docs_spec))
    told = pod.run()
    assert told.reason is Reason.COMPLETED, pod.log
    write = {"contents": "write", "pull_requests": "write"}
    expected = [("shop", write), ("platform", {"contents": "read"})] if kind == "code" else [("platform", write)]
    made = [(token.repositories or [], token.permissions) for token in github.app.tokens]
    assert sorted(made) == sorted(([name], permissions) for name, permissions in expected), "one each, reused"
    repository = expected[0][0]
    assert told.commit == world.remotes.tip(repository, BRANCH)
    assert told.pull_request_url == f"{github.place.url}/acme/{repository}/pull/1"
    assert "5dlabs-rex[bot] <5dlabs-rex[bot]@users.noreply.github.com>" in world.remotes.log(repository, BRANCH)
    assert [(pull["base"]["ref"], pull["head"]["ref"]) for pull in pulls(github)] == [("main", BRANCH)]


@pytest.mark.parametrize("url", ["git@127.0.0.1:acme/shop.git", "ssh://git@127.0.0.1/acme/shop"])
def test_ssh_urls_go_over_https_with_an_app(world: World, github: Github, code_spec: SpecFactory, url: str) -> None:
    pod = pod_of(world, github, spec_of(github, code_spec, repositoryUrl=url))
    assert pod.run().reason is Reason.COMPLETED, pod.log


def test_a_token_is_replaced_before_it_ends(world: World, github: Github, code_spec: SpecFactory) -> None:
    """In the middle of an attempt: the tokens it began with are refused, and it notices nothing."""
    github.app.lifetime = timedelta(minutes=9)
    agent = (
        f'touch "$POD_ROOT/working"; until [[ -e $POD_ROOT/go ]]; do sleep 0.05; done; echo x > x\n{result_line()}'
    )
    pod = pod_of(world, github, spec_of(github, code_spec), agent).start()
    pod.until((pod.root / "working").exists)
    early = len(github.app.tokens)
    for token in github.app.tokens:
        token.revoked = True
    (pod.root / "go").touch()
    told = pod.wait()
    assert told.reason is Reason.COMPLETED, pod.log
    assert told.pull_request_url
    assert len(github.app.tokens) > early


def test_a_token_that_was_revoked_is_forgotten(world: World, github: Github, code_spec: SpecFactory) -> None:
    """The push it was refused for is tried again with the next."""
    agent = f"""
        touch "$POD_ROOT/working"; until [[ -e $POD_ROOT/go ]]; do sleep 0.05; done; echo x > x
        git add x; git commit -qm x; git push -q origin HEAD || git push -q origin HEAD && {result_line()}"""
    pod = pod_of(world, github, spec_of(github, code_spec), agent).start()
    pod.until((pod.root / "working").exists)
    for token in github.app.tokens:
        token.revoked = True
    (pod.root / "go").touch()
    assert pod.wait().reason is Reason.COMPLETED, pod.log


def test_tokens_and_keys_are_kept_secret(world: World, github: Github, code_spec: SpecFactory) -> None:
    agent = f"""
        git config --list > config.txt; git remote -v >> config.txt; env > env.txt
        for each in /proc/[0-9]*; do
          tr '\\0' ' ' < $each/cmdline; tr '\\0' ' ' < $each/environ; echo; done 2>/dev/null > processes.txt || true
        echo x > x; git add x; git commit -qm x; GIT_TRACE=1 GIT_CURL_VERBOSE=1 git push origin HEAD
        printf 'protocol=https\\nhost={host(github)}\\npath=acme/shop\\n' | git credential fill
        cat "$POD_ROOT/secrets/github-app/private-key"
        {result_line()}"""
    pod = pod_of(world, github, spec_of(github, code_spec), agent)
    told = pod.run()
    assert told.reason is Reason.COMPLETED, pod.log
    assert "password=[redacted]" in pod.log
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
    noted = shims.make(world.path / "shims", "git", "openssl", "python3", "timeout")
    pod = pod_of(world, github, spec_of(github, code_spec), PATH=noted.path)
    told = pod.run()
    assert told.pull_request_url, pod.log
    calls = noted.calls()
    assert any("-sign" in call.arguments for call in calls)
    secrets = [token.text for token in github.app.tokens] + github.app.private_key.splitlines()[1:-1]
    assert not [call for call in calls for secret in secrets if secret in call.arguments + call.environ]


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def clone(world: World) -> Path:
    return next((world.path / "workspace").glob("shop-????????"))


def test_a_helper_asked_for_another_repository_says_nothing(
    world: World, github: Github, code_spec: SpecFactory
) -> None:
    asked = [
        f"protocol=https\\nhost={host(github)}\\npath=acme/other",
        "protocol=https\\nhost=evil.example\\npath=acme/shop",
    ]
    fills = "\n".join(f"printf '{each}\\n' | git credential fill && exit 9" for each in asked)
    pod = pod_of(world, github, spec_of(github, code_spec), f"{fills}\n{result_line(result='NO_CHANGES: asked')}")
    assert pod.run().reason is Reason.NO_CHANGES, pod.log


def test_a_pull_request_that_is_open_is_found(
    world: World, github: Github, shop: Repository, code_spec: SpecFactory
) -> None:
    ours = shop.open_pull(BRANCH)["html_url"]
    told = pod_of(world, github, spec_of(github, code_spec)).run()
    assert told.pull_request_url == ours
    assert len(pulls(github)) == 1


def test_a_pull_request_to_a_branch_nobody_asked_for_is_not_ours(
    world: World, github: Github, shop: Repository, code_spec: SpecFactory
) -> None:
    world.remotes.commit("shop", {"r": "x"}, branch="release/1")
    shop.open_pull(BRANCH)
    told = pod_of(world, github, spec_of(github, code_spec, branch="release/1")).run()
    assert told.pull_request_url == pulls(github)[1]["html_url"]
    assert pulls(github)[1]["base"]["ref"] == "release/1"


def test_without_a_pull_request_there_is_a_link_to_open_one(
    world: World, github: Github, code_spec: SpecFactory
) -> None:
    body = {"message": "Resource not accessible by integration"}
    github.fails("POST /repos/acme/shop/pulls", 403, times=9, body=body)
    told = pod_of(world, github, spec_of(github, code_spec)).run()
    assert (told.reason, told.pull_request_url) == (Reason.COMPLETED, None)
    assert "Resource not accessible" in told.message
    assert f"{github.place.url}/acme/shop/compare/main...{BRANCH}?expand=1" in told.message


def test_a_failed_attempt_opens_no_pull_request(world: World, github: Github, code_spec: SpecFactory) -> None:
    told = pod_of(world, github, spec_of(github, code_spec), "echo x > x; exit 1").run()
    assert (told.reason, told.branch) == (Reason.AGENT_ERROR, BRANCH)
    assert not pulls(github)


def test_work_of_an_agent_without_hooks_gets_its_pull_request(
    world: World, github: Github, code_spec: SpecFactory
) -> None:
    told = pod_of(world, github, spec_of(github, code_spec), f"echo x > x\n{result_line()}").run()
    assert told.pull_request_url == pulls(github)[0]["html_url"]


def _installed_nowhere(github: Github) -> None:
    for each in github.repositories:
        each.installation = None


REFUSALS: Mapping[str, tuple[Callable[[Github], object], Reason, list[str]]] = {
    "not installed": (_installed_nowhere, Reason.REPOSITORY_DENIED, ["5DLabs-Rex", "not installed on acme/shop"]),
    "another app's key": (
        lambda github: setattr(github.app, "key", new_key()),
        Reason.MISSING_SECRET,
        ["github-app-rex", "private-key", "could not be decoded"],
    ),
    "no permission": (
        lambda github: github.app.permissions.update(contents="read"),
        Reason.REPOSITORY_DENIED,
        ["The permissions requested are not granted"],
    ),
    "down": (
        lambda github: github.fails("GET /repos/acme/shop/installation", 503, times=99),
        Reason.NETWORK,
        ["503"],
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_ends_the_attempt_before_the_agent(
    world: World, github: Github, code_spec: SpecFactory, case: str
) -> None:
    happens, reason, words = REFUSALS[case]
    pod = pod_of(world, github, spec_of(github, code_spec))
    happens(github)
    told = pod.run()
    assert (told.outcome, told.reason) == ("failed", reason), pod.log
    assert not [word for word in words if word not in told.message], told.message
    assert "starting the agent" not in pod.log


def test_a_key_that_is_none_is_named(world: World, github: Github, code_spec: SpecFactory) -> None:
    secrets = {"github-app/app-id": "12345", "github-app/private-key": "not a key\n"}
    told = pod_of(world, github, spec_of(github, code_spec), secrets=secrets).run()
    assert told.reason is Reason.MISSING_SECRET
    assert "github-app-rex: key private-key is not a private key" in told.message


def test_an_app_that_may_only_read_starts_no_agent(world: World, github: Github, code_spec: SpecFactory) -> None:
    text, end = "ghs_readonlyreadonlyreadonly", datetime(2099, 1, 1, tzinfo=UTC)
    github.fails(TOKENS, 201, times=9, body={"token": text, "expires_at": end.isoformat()})
    github.app.tokens.append(Token(text, 77, ["shop", "platform"], {"contents": "read"}, end))
    pod = pod_of(world, github, spec_of(github, code_spec))
    assert pod.run().reason is Reason.PUSH_REFUSED, pod.log
    assert "starting the agent" not in pod.log


def test_an_app_on_another_host_is_refused(world: World, github: Github, code_spec: SpecFactory) -> None:
    told = pod_of(world, github, code_spec(**APP)).run()
    assert told.reason is Reason.INVALID_INPUT
    assert "github.api_url" in told.message


def ssh_user(world: World, github: Github, make: SpecFactory, **environ: str) -> Pod:
    """A pod of a githubUser: git goes over SSH, here to a directory, and the API is the small GitHub's."""
    spec = spec_of(github, make, githubApp=None, githubUser="octocat")
    over_ssh = {"GIT_CONFIG_KEY_0": f"url.{world.remotes.url}.insteadOf"}
    over_ssh["GIT_CONFIG_VALUE_0"] = f"{github.place.url}/acme/"
    return pod_of(world, github, spec, secrets={"ssh/id_ed25519": "k"}, **over_ssh, **environ)


def test_without_a_token_no_pull_request_is_asked_for(world: World, github: Github, code_spec: SpecFactory) -> None:
    pod = ssh_user(world, github, code_spec)
    told = pod.run()
    assert (told.reason, told.branch, told.pull_request_url) == (Reason.COMPLETED, BRANCH, None), pod.log
    assert f"{github.place.url}/acme/shop/compare/main...{BRANCH}?expand=1" in told.message
    assert not github.asked()


def test_a_token_given_to_a_user_opens_the_pull_request(world: World, github: Github, code_spec: SpecFactory) -> None:
    """`GH_TOKEN`, from one of the run's secrets."""
    may = {"contents": "write", "pull_requests": "write"}
    github.app.tokens.append(
        Token("ghp_forTestsOnlyForTestsOnly", 77, ["shop"], may, datetime.max.replace(tzinfo=UTC))
    )
    pod = ssh_user(world, github, code_spec, GH_TOKEN="ghp_forTestsOnlyForTestsOnly")
    told = pod.run()
    assert told.pull_request_url == pulls(github)[0]["html_url"], pod.log
    assert github.asked("POST") == ["POST /repos/acme/shop/pulls"]
