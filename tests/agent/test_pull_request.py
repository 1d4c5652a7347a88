"""The pull request that an attempt opens, as an App or as a user with a token."""

from datetime import UTC, datetime

from functions.runs.model.reasons import Reason
from tests.agent.attempts import BRANCH
from tests.agent.conftest import SpecFactory
from tests.agent.github_app import pod_of, pulls, spec_of, ssh_user
from tests.agent.world import World, result_line
from tests.support.github import Github, Repository
from tests.support.github.app import Token


def test_open_pull_request_is_reused(world: World, github: Github, shop: Repository, code_spec: SpecFactory) -> None:
    ours = shop.open_pull(BRANCH)["html_url"]
    result = pod_of(world, github, spec_of(github, code_spec)).run()
    assert result.pull_request_url == ours
    assert len(pulls(github)) == 1


def test_pull_request_to_another_base_branch_is_ignored(
    world: World, github: Github, shop: Repository, code_spec: SpecFactory
) -> None:
    world.remotes.commit("shop", {"r": "x"}, branch="release/1")
    shop.open_pull(BRANCH)
    result = pod_of(world, github, spec_of(github, code_spec, branch="release/1")).run()
    assert result.pull_request_url == pulls(github)[1]["html_url"]
    assert pulls(github)[1]["base"]["ref"] == "release/1"


def test_message_has_a_link_when_the_pull_request_cannot_be_opened(
    world: World, github: Github, code_spec: SpecFactory
) -> None:
    body = {"message": "Resource not accessible by integration"}
    github.fails("POST /repos/acme/shop/pulls", 403, times=9, body=body)
    result = pod_of(world, github, spec_of(github, code_spec)).run()
    assert (result.reason, result.pull_request_url) == (Reason.COMPLETED, None)
    assert "Resource not accessible" in result.message
    assert f"{github.place.url}/acme/shop/compare/main...{BRANCH}?expand=1" in result.message


def test_failed_attempt_opens_no_pull_request(world: World, github: Github, code_spec: SpecFactory) -> None:
    result = pod_of(world, github, spec_of(github, code_spec), "echo x > x; exit 1").run()
    assert (result.reason, result.branch) == (Reason.AGENT_ERROR, BRANCH)
    assert not pulls(github)


def test_pull_request_is_opened_for_an_agent_without_hooks(
    world: World, github: Github, code_spec: SpecFactory
) -> None:
    result = pod_of(world, github, spec_of(github, code_spec), f"echo x > x\n{result_line()}").run()
    assert result.pull_request_url == pulls(github)[0]["html_url"]


def test_no_pull_request_is_requested_without_a_token(world: World, github: Github, code_spec: SpecFactory) -> None:
    pod = ssh_user(world, github, code_spec)
    result = pod.run()
    assert (result.reason, result.branch, result.pull_request_url) == (Reason.COMPLETED, BRANCH, None), pod.log
    assert f"{github.place.url}/acme/shop/compare/main...{BRANCH}?expand=1" in result.message
    assert not github.asked()


def test_token_of_a_user_opens_the_pull_request(world: World, github: Github, code_spec: SpecFactory) -> None:
    """The token is `GH_TOKEN`, from one of the run's secrets."""
    may = {"contents": "write", "pull_requests": "write"}
    github.app.tokens.append(
        Token("ghp_forTestsOnlyForTestsOnly", 77, [github.repository()], may, datetime.max.replace(tzinfo=UTC))
    )
    pod = ssh_user(world, github, code_spec, GH_TOKEN="ghp_forTestsOnlyForTestsOnly")
    result = pod.run()
    assert result.pull_request_url == pulls(github)[0]["html_url"], pod.log
    assert github.asked("POST") == ["POST /repos/acme/shop/pulls"]
