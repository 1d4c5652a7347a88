"""The setting access.callers applies to people on GitHub, who are github:LOGIN.

| request by a user with write access               | the entry does not allow the agent or user        |
|---------------------------------------------------|---------------------------------------------------|
| /docs, /code, with and without agent=             | one reply; no run                                 |
| the same, with the repository's configured agent  | one reply; no run                                 |
| a mapped label or assignment                      | one reply; no run                                 |
| /retry, a review that requests changes            | one reply; no attempt                             |
| /cancel, /status                                  | executed                                          |
| a failed check, which has no user                 | an attempt                                        |
"""

from dataclasses import replace
from typing import Any

import pytest

from functions.cluster.transport import Transport
from functions.runs.model import naming
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.settings.access import AccessSettings
from tests.github.clock import Clock
from tests.github.delivery_bench import Stage
from tests.support.github import Github, payloads
from tests.support.github.content import user


@pytest.fixture
def stage(api: Transport, namespace: str, github: Github, clock: Clock) -> Stage:
    return Stage(api, namespace, github, clock)


def allow(stage: Stage, callers: dict[str, Any], **github: Any) -> None:
    settings = stage.services.settings
    access = AccessSettings.model_validate({"callers": callers})
    changed = {"access": access, "github": settings.github.model_copy(update=github)}
    stage.services = replace(stage.services, settings=settings.model_copy(update=changed))


def asked(stage: Stage, command: str, by: str = "octocat") -> list[str]:
    """Write a command on a new issue, deliver it twice, and return the replies."""
    number = stage.shop.open_issue("Task 3: log in")["number"]
    assert stage.comment(number, command, by).code == 204
    assert stage.take(stage.queue[-1]).code == 204
    return stage.answers(number)


def context_version(stage: Stage) -> int:
    spec = stage.run().spec
    assert isinstance(spec, CodeRunSpec)
    return spec.context_version


TESS = {"github:octocat": {"agents": ["tess"]}}
REX = {"github:OctoCat": {"agents": ["rex"]}}
NOT_REX = "I cannot do that: `github:octocat may not use the agent rex; allowed users: none; allowed agents: tess`"


def test_a_command_for_an_agent_that_is_not_allowed_is_refused(stage: Stage) -> None:
    stage.configure("agents: [5DLabs-Tess]")
    allow(stage, TESS)
    assert asked(stage, "/code 3 service=api") == [NOT_REX]
    assert asked(stage, "/docs") == [NOT_REX]
    assert asked(stage, "/docs agent=REX") == [NOT_REX]
    assert stage.runs() == []
    assert asked(stage, "/code 3 service=api agent=tess") == []
    assert isinstance(found := stage.run().spec, CodeRunSpec)
    assert found.agent == "tess"


def test_a_login_without_entry_needs_a_wildcard(stage: Stage) -> None:
    stage.shop.people["hubot"] = "admin"
    allow(stage, {"octocat": {"agents": ["*"]}, "*@example.com": {"agents": ["*"]}, **REX})
    (answer,) = asked(stage, "/docs", by="hubot")
    assert "`github:hubot may not use the agent rex; allowed users: none; allowed agents: none`" in answer
    assert asked(stage, "/docs") == []
    allow(stage, {"github:*": {"agents": ["rex"]}})
    assert asked(stage, "/docs", by="hubot") == []
    assert len(stage.runs()) == 2


@pytest.mark.parametrize("configured", ["githubUser: octocat", "githubApp: 5DLabs-Blaze"])
def test_the_repositorys_configuration_does_not_bypass_access(stage: Stage, configured: str) -> None:
    stage.configure(configured)
    allow(stage, REX, allowed_users=["octocat"])
    (answer,) = asked(stage, "/docs")
    assert "github:octocat may not use the " in answer
    assert stage.runs() == []


def test_an_app_with_the_same_last_part_is_the_same_agent(stage: Stage) -> None:
    stage.configure("githubApp: Mine-Rex")
    allow(stage, TESS)
    assert asked(stage, "/docs") == [NOT_REX]
    assert stage.runs() == []


def test_a_label_or_assignment_needs_the_rights_of_its_sender(stage: Stage) -> None:
    stage.configure("labels: {document: /docs}\nassignees: {shop-agent: /code service=api}")
    stage.shop.people["hubot"] = "write"
    allow(stage, {"github:hubot": {"agents": ["rex"]}})
    for action, what in (
        ("labeled", {"label": {"name": "document"}}),
        ("assigned", {"assignee": user("shop-agent")}),
    ):
        number = stage.shop.open_issue("Task 3: log in")["number"]
        stage.deliver("issues", payloads.issue(stage.shop, number, action, **what))
        assert stage.answers(number) == [NOT_REX.replace("tess", "none")]
        assert stage.runs() == []
    number = stage.shop.open_issue("Task 3: log in")["number"]
    stage.deliver("issues", payloads.issue(stage.shop, number, "labeled", "hubot", label={"name": "document"}))
    assert len(stage.runs()) == 1


def test_a_retry_needs_the_rights_of_a_new_run_and_a_cancel_none(stage: Stage) -> None:
    run, pull = stage.with_pull()
    allow(stage, TESS)
    for _ in range(2):
        stage.comment(pull["number"], "/retry use the other library")
        stage.take(stage.queue[-1])
    assert stage.answers(pull["number"]) == [NOT_REX, NOT_REX], "one for each comment"
    assert context_version(stage) == 1
    stage.comment(pull["number"], "/status")
    assert "**Succeeded**" in stage.answers(pull["number"])[-1]
    allow(stage, REX)
    stage.comment(pull["number"], "/retry")
    assert context_version(stage) == 2
    stage.reopened(stage.now(run))
    allow(stage, TESS)
    stage.comment(pull["number"], "/cancel")
    assert stage.run().cancel


def test_a_redelivered_retry_is_not_refused_after_access_was_withdrawn(stage: Stage) -> None:
    _, pull = stage.with_pull()
    allow(stage, REX)
    stage.comment(pull["number"], "/retry")
    allow(stage, TESS)
    assert stage.take(stage.queue[-1]).code == 204
    assert (context_version(stage), stage.answers(pull["number"])) == (2, [])


def test_a_review_needs_the_rights_of_its_author_and_a_check_none(stage: Stage) -> None:
    run, pull = stage.with_pull()
    allow(stage, TESS)
    review = payloads.review(stage.shop, pull["number"], "changes_requested", "no")
    for _ in range(2):
        stage.deliver("pull_request_review", review)
    assert (stage.answers(pull["number"]), context_version(stage)) == ([NOT_REX], 1)
    stage.deliver("check_run", payloads.check_run(stage.shop, run.status.branch or "", "failure"))
    assert context_version(stage) == 2


def test_without_access_settings_write_access_is_sufficient(stage: Stage) -> None:
    assert asked(stage, "/docs") == []
    assert len(stage.runs()) == 1


def test_the_name_of_a_run_depends_on_the_comment_and_not_on_access(stage: Stage) -> None:
    allow(stage, REX)
    payload = stage.commented(stage.shop.open_issue()["number"], "/docs")
    stage.deliver("issue_comment", payload)
    key = f"{stage.shop.id}/issues/comment/{payload['comment']['id']}/0"
    assert stage.run().name == naming.run_name(f"github\n{stage.world.namespace}\nDocsRun\n{key}")
