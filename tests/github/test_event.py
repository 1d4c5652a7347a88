"""Runs that `github_event` starts for people: by a comment, a label, an assignment.

Idempotency: test_event_once.py. Refusals: test_event_refused.py; errors of GitHub: test_event_trouble.py. Commands
on existing runs: test_asked.py, test_feedback.py.

| event                                              | expected                                          |
|----------------------------------------------------|---------------------------------------------------|
| /docs, /code by a person with write access         | a run with its origin; a reaction                 |
| the same on a pull request, also of a fork         | work from the base branch                         |
| the same at the end of the longest comment         | the same; a reply if the comment is longer        |
| a mapped label or assignment                       | the mapped command                                |
| a label without a mapping                          | one read of the configuration, nothing else       |
"""

import pytest

from functions.runs.model import origin
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.docs_run_spec import DocsRunSpec
from tests.github.delivery_bench import Stage
from tests.support.github import payloads
from tests.support.github.content import user

# Submission ---------------------------------------------------------------------------------------------------------


def test_a_comment_becomes_a_run_with_its_origin(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    payload = stage.commented(number, "/code 3 service=api")
    assert stage.deliver("issue_comment", payload).code == 204
    run = stage.run()
    assert isinstance(run.spec, CodeRunSpec)
    assert (run.spec.task_id, run.spec.service, run.spec.branch, run.spec.agent) == (3, "api", "main", "rex")
    assert run.spec.repository_url == stage.github.url.replace("http:", "https:") + "/acme/shop.git"
    comment = payload["comment"]
    moment = f"{comment['created_at']} {comment['id']:020} 000000"
    asked = origin.Origin("acme/shop", number, "octocat", comment["html_url"], stage.shop.id, moment)
    assert origin.from_object(run.raw) == asked
    assert stage.shop.reactions == [{"comment": comment["id"], "content": "eyes"}]
    assert stage.answers(number) == []


def test_a_docs_command_sets_directory_and_branch(stage: Stage) -> None:
    run, _ = stage.asked_for("/docs services/api branch=next")
    assert isinstance(run.spec, DocsRunSpec)
    assert (run.spec.working_directory, run.spec.source_branch) == ("services/api", "next")


def test_the_configuration_provides_defaults_for_a_command(stage: Stage) -> None:
    stage.configure("service: billing\nagents: [5DLabs-Tess]\nmodels: {code: claude-mine}\nmaxRetries: 3")
    run, _ = stage.asked_for("/code 3 agent=tess")
    assert isinstance(run.spec, CodeRunSpec)
    assert (run.spec.service, run.spec.agent) == ("billing", "tess")
    assert (run.spec.model, run.spec.max_retries) == ("claude-mine", 3)


def test_a_run_requested_on_a_pull_request_starts_from_its_base_branch(stage: Stage) -> None:
    number = stage.shop.open_pull("feature", "release-1", by="octocat")["number"]
    assert stage.comment(number, "/code 3 service=api").code == 204
    assert isinstance(found := stage.run().spec, CodeRunSpec)
    assert found.branch == "release-1"


def test_a_run_requested_on_a_forks_pull_request_uses_the_base_repository(stage: Stage) -> None:
    number = stage.shop.open_pull("feature", by="mallory", fork="mallory/shop")["number"]
    payload = stage.commented(number, "/code 3 service=api", by="mallory")
    assert stage.deliver("issue_comment", payload).code == 204
    assert stage.runs() == []
    assert stage.comment(number, "/code 3 service=api").code == 204
    assert stage.run().spec.repository_url.endswith("/acme/shop.git")  # type: ignore[union-attr]
    assert stage.run().spec.base_branch == "main"  # type: ignore[union-attr]


# Long comments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["\U0001f600" * 65_500 + "\n\n", "a line of one paragraph\n" * 2_500])
def test_a_command_at_the_end_of_the_longest_comment_is_run(stage: Stage, before: str) -> None:
    number = stage.shop.open_issue(body="\U0001f600" * 65_536)["number"]
    assert stage.comment(number, f"{before}/code 3 service=api").code == 204
    assert isinstance(found := stage.run().spec, CodeRunSpec)
    assert found.task_id == 3
    assert stage.answers(number) == []


def test_a_command_in_a_comment_over_githubs_limit_gets_a_reply(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    assert stage.comment(number, "/code 3 service=api\n" + "x" * 65_536).code == 204
    assert stage.runs() == []
    (answer,) = stage.answers(number)
    assert "write the command in a comment of its own" in answer


# Labels and assignment ----------------------------------------------------------------------------------------------


def test_a_mapped_label_starts_its_command_once(stage: Stage) -> None:
    stage.configure('labels: {"Agent: code": /code service=api}')
    number = stage.shop.open_issue("Task 12: log in")["number"]
    payload = payloads.issue(stage.shop, number, "labeled", label={"name": "agent: CODE"})
    for guid in ("by the App", "by the organization"):
        assert stage.deliver("issues", payload, guid).code == 204
    run = stage.run()
    assert isinstance(run.spec, CodeRunSpec)
    assert (run.spec.task_id, run.spec.service) == (12, "api")
    assert stage.comment(number, "/cancel").code == 204
    assert stage.run().cancel


def test_a_mapped_assignment_starts_its_command(stage: Stage) -> None:
    stage.configure("assignees: {shop-agent: /docs services}")
    number = stage.shop.open_issue()["number"]
    stage.deliver("issues", payloads.issue(stage.shop, number, "assigned", assignee=user("Shop-Agent")))
    assert stage.run().kind == "DocsRun"


@pytest.mark.parametrize("configured", ["", "labels: {document: /docs}", "labels: [bad"])
def test_a_label_without_mapping_costs_one_call(stage: Stage, configured: str) -> None:
    stage.configure(configured)
    number = stage.shop.open_issue()["number"]
    stage.deliver("issues", payloads.issue(stage.shop, number, "labeled", label={"name": "bug"}))
    assert stage.github.asked("repos/acme/shop/(?!installation)") == [
        "GET /repos/acme/shop/contents/.github/orchestrator.yaml"
    ]
    assert stage.runs() == []
    assert stage.answers(number) == []


def test_a_label_by_a_user_without_write_access_starts_nothing(stage: Stage) -> None:
    stage.configure("labels: {document: /docs}")
    stage.shop.people["triager"] = "triage"
    number = stage.shop.open_issue()["number"]
    stage.deliver("issues", payloads.issue(stage.shop, number, "labeled", "triager", label={"name": "document"}))
    assert stage.runs() == []


def test_a_mapped_command_without_a_task_gets_a_reply(stage: Stage) -> None:
    stage.configure("labels: {agent: /code service=api}")
    number = stage.shop.open_issue("Task 3.1: log in")["number"]
    stage.deliver("issues", payloads.issue(stage.shop, number, "labeled", label={"name": "agent"}))
    assert "the task is missing: name it in the title" in stage.answers(number)[0]
