"""A GitHub App that may not work on the repository: the attempt ends before the agent starts."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.conftest import SpecFactory
from tests.agent.github_app import APP, TOKENS, pod_of, spec_of
from tests.agent.world import World
from tests.support.github import Github
from tests.support.github.app import Token, new_key


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
def test_refusal_by_github_ends_the_attempt_before_the_agent_starts(
    world: World, github: Github, code_spec: SpecFactory, case: str
) -> None:
    happens, reason, words = REFUSALS[case]
    pod = pod_of(world, github, spec_of(github, code_spec))
    happens(github)
    result = pod.run()
    assert (result.outcome, result.reason) == ("failed", reason), pod.log
    assert not [word for word in words if word not in result.message], result.message
    assert "starting the agent" not in pod.log


def test_invalid_app_key_is_named(world: World, github: Github, code_spec: SpecFactory) -> None:
    secrets = {"github-app/app-id": "12345", "github-app/private-key": "not a key\n"}
    result = pod_of(world, github, spec_of(github, code_spec), secrets=secrets).run()
    assert result.reason is Reason.MISSING_SECRET
    assert "github-app-rex: key private-key is not a private key" in result.message


def test_read_only_app_is_refused_before_the_agent_starts(world: World, github: Github, code_spec: SpecFactory) -> None:
    text, end = "ghs_readonlyreadonlyreadonly", datetime(2099, 1, 1, tzinfo=UTC)
    github.fails(TOKENS, 201, times=9, body={"token": text, "expires_at": end.isoformat()})
    both = [github.repository(f"acme/{name}") for name in ("shop", "platform")]
    github.app.tokens.append(Token(text, 77, both, {"contents": "read"}, end))
    pod = pod_of(world, github, spec_of(github, code_spec))
    assert pod.run().reason is Reason.PUSH_REFUSED, pod.log
    assert "starting the agent" not in pod.log


def test_repository_on_another_host_is_refused_for_an_app(world: World, github: Github, code_spec: SpecFactory) -> None:
    result = pod_of(world, github, code_spec(**APP)).run()
    assert result.reason is Reason.INVALID_INPUT
    assert "github.api_url" in result.message
