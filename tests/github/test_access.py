"""The setting access.callers applies to people on GitHub, who are github:LOGIN."""

from dataclasses import replace
from typing import Any

import pytest

from functions.runs.model import naming
from functions.settings.access import AccessSettings
from tests.github.delivery_bench import DeliveryBench
from tests.support.github import payloads
from tests.support.github.content import user


def allow(bench: DeliveryBench, callers: dict[str, Any], **github: Any) -> None:
    settings = bench.services.settings
    access = AccessSettings.model_validate({"callers": callers})
    changed = {"access": access, "github": settings.github.model_copy(update=github)}
    bench.services = replace(bench.services, settings=settings.model_copy(update=changed))


def asked(bench: DeliveryBench, command: str, by: str = "octocat") -> list[str]:
    """Write a command on a new issue, deliver it twice, and return the replies."""
    number = bench.issue("Task 3: log in")
    assert bench.comment(number, command, by).code == 204
    assert bench.take(bench.queue[-1]).code == 204
    return bench.answers(number)


TESS = {"github:octocat": {"agents": ["tess"]}}
REX = {"github:OctoCat": {"agents": ["rex"]}}
NOT_REX = "I cannot do that: `github:octocat may not use the agent rex; allowed users: none; allowed agents: tess`"


def test_a_command_for_an_agent_that_is_not_allowed_is_refused(bench: DeliveryBench) -> None:
    bench.configure("agents: [5DLabs-Tess]")
    allow(bench, TESS)
    assert asked(bench, "/code 3 service=api") == [NOT_REX]
    assert asked(bench, "/docs") == [NOT_REX]
    assert asked(bench, "/docs agent=REX") == [NOT_REX]
    assert bench.runs() == []
    assert asked(bench, "/code 3 service=api agent=tess") == []
    assert bench.spec().agent == "tess"


def test_a_login_without_entry_needs_a_wildcard(bench: DeliveryBench) -> None:
    bench.shop.people["hubot"] = "admin"
    allow(bench, {"octocat": {"agents": ["*"]}, "*@example.com": {"agents": ["*"]}, **REX})
    (answer,) = asked(bench, "/docs", by="hubot")
    assert "`github:hubot may not use the agent rex; allowed users: none; allowed agents: none`" in answer
    assert asked(bench, "/docs") == []
    allow(bench, {"github:*": {"agents": ["rex"]}})
    assert asked(bench, "/docs", by="hubot") == []
    assert len(bench.runs()) == 2


@pytest.mark.parametrize("configured", ["githubUser: octocat", "githubApp: 5DLabs-Blaze"])
def test_the_repositorys_configuration_does_not_bypass_access(bench: DeliveryBench, configured: str) -> None:
    bench.configure(configured)
    allow(bench, REX, allowed_users=["octocat"])
    (answer,) = asked(bench, "/docs")
    assert "github:octocat may not use the " in answer
    assert bench.runs() == []


def test_an_app_with_the_same_last_part_is_the_same_agent(bench: DeliveryBench) -> None:
    bench.configure("githubApp: Mine-Rex")
    allow(bench, TESS)
    assert asked(bench, "/docs") == [NOT_REX]
    assert bench.runs() == []


def test_a_label_or_assignment_needs_the_rights_of_its_sender(bench: DeliveryBench) -> None:
    bench.configure("labels: {document: /docs}\nassignees: {shop-agent: /code service=api}")
    bench.shop.people["hubot"] = "write"
    allow(bench, {"github:hubot": {"agents": ["rex"]}})
    for action, what in (
        ("labeled", {"label": {"name": "document"}}),
        ("assigned", {"assignee": user("shop-agent")}),
    ):
        number = bench.issue("Task 3: log in")
        bench.deliver("issues", payloads.issue(bench.shop, number, action, **what))
        assert bench.answers(number) == [NOT_REX.replace("tess", "none")]
        assert bench.runs() == []
    number = bench.issue("Task 3: log in")
    bench.deliver("issues", payloads.issue(bench.shop, number, "labeled", "hubot", label={"name": "document"}))
    assert len(bench.runs()) == 1


def test_a_retry_needs_the_rights_of_a_new_run_and_a_cancel_none(bench: DeliveryBench) -> None:
    run, pull = bench.with_pull()
    allow(bench, TESS)
    for _ in range(2):
        bench.comment(pull["number"], "/retry use the other library")
        bench.take(bench.queue[-1])
    assert bench.answers(pull["number"]) == [NOT_REX, NOT_REX], "one for each comment"
    assert bench.retries() == 0
    bench.comment(pull["number"], "/status")
    assert "**Succeeded**" in bench.answers(pull["number"])[-1]
    allow(bench, REX)
    bench.comment(pull["number"], "/retry")
    assert bench.retries() == 1
    bench.reopened(bench.now(run))
    allow(bench, TESS)
    bench.comment(pull["number"], "/cancel")
    assert bench.run().cancel


def test_a_redelivered_retry_is_not_refused_after_access_was_withdrawn(bench: DeliveryBench) -> None:
    _, pull = bench.with_pull()
    allow(bench, REX)
    bench.comment(pull["number"], "/retry")
    allow(bench, TESS)
    assert bench.take(bench.queue[-1]).code == 204
    assert (bench.retries(), bench.answers(pull["number"])) == (1, [])


def test_a_review_needs_the_rights_of_its_author_and_a_check_none(bench: DeliveryBench) -> None:
    run, pull = bench.with_pull()
    allow(bench, TESS)
    review = payloads.review(bench.shop, pull["number"], "changes_requested", "no")
    for _ in range(2):
        bench.deliver("pull_request_review", review)
    assert (bench.answers(pull["number"]), bench.retries()) == ([NOT_REX], 0)
    bench.deliver("check_run", payloads.check_run(bench.shop, run.status.branch or "", "failure"))
    assert bench.retries() == 1


def test_without_access_settings_write_access_is_sufficient(bench: DeliveryBench) -> None:
    assert asked(bench, "/docs") == []
    assert len(bench.runs()) == 1


def test_the_name_of_a_run_depends_on_the_comment_and_not_on_access(bench: DeliveryBench) -> None:
    allow(bench, REX)
    payload = bench.commented(bench.issue(), "/docs")
    bench.deliver("issue_comment", payload)
    key = f"{bench.shop.id}/issues/comment/{payload['comment']['id']}/0"
    assert bench.run().name == naming.run_name(f"github\n{bench.world.namespace}\nDocsRun\n{key}")
