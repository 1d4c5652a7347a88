"""Whom people on GitHub may have work done as, where the setting access.callers says so; they are github:LOGIN.

| asked by somebody with write access                       | where they may not use the agent or user          |
|-----------------------------------------------------------|---------------------------------------------------|
| /docs, /code, with and without agent=                     | an answer, once; no run                           |
| the same, as whom the repository's configuration names    | an answer, once; no run                           |
| a label, an assignment that is mapped                     | an answer, once; no run                           |
| /retry, a review that asks for changes                    | an answer, once; no other attempt                 |
| /cancel, /status                                          | done all the same                                 |
| a failed check, which nobody asks for                     | another attempt all the same                      |
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
    """What somebody is answered on a new issue."""
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


def test_an_agent_that_is_not_theirs_is_answered_and_no_run_is_made(stage: Stage) -> None:
    stage.configure("agents: [5DLabs-Tess]")
    allow(stage, TESS)
    assert asked(stage, "/code 3 service=api") == [NOT_REX]
    assert asked(stage, "/docs") == [NOT_REX]
    assert asked(stage, "/docs agent=REX") == [NOT_REX]
    assert stage.runs() == []
    assert asked(stage, "/code 3 service=api agent=tess") == []
    assert isinstance(found := stage.run().spec, CodeRunSpec)
    assert found.agent == "tess"


def test_caller_that_is_not_listed_is_refused_unless_a_wildcard_is(stage: Stage) -> None:
    stage.shop.people["hubot"] = "admin"
    allow(stage, {"octocat": {"agents": ["*"]}, "*@example.com": {"agents": ["*"]}, **REX})
    (answer,) = asked(stage, "/docs", by="hubot")
    assert "`github:hubot may not use the agent rex; allowed users: none; allowed agents: none`" in answer
    assert asked(stage, "/docs") == []
    allow(stage, {"github:*": {"agents": ["rex"]}})
    assert asked(stage, "/docs", by="hubot") == []
    assert len(stage.runs()) == 2


@pytest.mark.parametrize("configured", ["githubUser: octocat", "githubApp: 5DLabs-Blaze"])
def test_what_the_repository_configures_is_no_way_around(stage: Stage, configured: str) -> None:
    stage.configure(configured)
    allow(stage, REX, allowed_users=["octocat"])
    (answer,) = asked(stage, "/docs")
    assert "github:octocat may not use the " in answer
    assert stage.runs() == []


def test_an_app_whose_name_ends_alike_is_the_same_agent(stage: Stage) -> None:
    stage.configure("githubApp: Mine-Rex")
    allow(stage, TESS)
    assert asked(stage, "/docs") == [NOT_REX]
    assert stage.runs() == []


def test_a_label_and_an_assignment_are_asked_for_by_who_puts_them_on(stage: Stage) -> None:
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


def test_to_retry_takes_the_rights_of_a_new_run_and_to_stop_takes_none(stage: Stage) -> None:
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


def test_a_retry_that_was_taken_up_is_not_refused_when_it_comes_again(stage: Stage) -> None:
    _, pull = stage.with_pull()
    allow(stage, REX)
    stage.comment(pull["number"], "/retry")
    allow(stage, TESS)
    assert stage.take(stage.queue[-1]).code == 204
    assert (context_version(stage), stage.answers(pull["number"])) == (2, [])


def test_a_review_asks_as_its_author_and_a_check_without_a_user(stage: Stage) -> None:
    run, pull = stage.with_pull()
    allow(stage, TESS)
    review = payloads.review(stage.shop, pull["number"], "changes_requested", "no")
    for _ in range(2):
        stage.deliver("pull_request_review", review)
    assert (stage.answers(pull["number"]), context_version(stage)) == ([NOT_REX], 1)
    stage.deliver("check_run", payloads.check_run(stage.shop, run.status.branch or "", "failure"))
    assert context_version(stage) == 2


def test_without_the_setting_everybody_with_write_access_may_everything(stage: Stage) -> None:
    assert asked(stage, "/docs") == []
    assert len(stage.runs()) == 1


def test_a_run_is_named_by_what_happened_and_not_by_who_may(stage: Stage) -> None:
    allow(stage, REX)
    payload = stage.commented(stage.shop.open_issue()["number"], "/docs")
    stage.deliver("issue_comment", payload)
    key = f"{stage.shop.id}/issues/comment/{payload['comment']['id']}/0"
    assert stage.run().name == naming.run_name(f"github\n{stage.world.namespace}\nDocsRun\n{key}")
