"""What `github_event` starts for people: by a comment, a label, an assignment.

That it does it once: test_event_once.py. What it refuses: test_event_refused.py, and where GitHub refuses:
test_event_trouble.py. What it asks of runs: test_asked.py, test_feedback.py.

| what happens                                       | result                                            |
|----------------------------------------------------|---------------------------------------------------|
| /docs, /code by a person with write access         | a run that knows where it came from; a reaction   |
| the same on a pull request, also of a fork         | work from the branch that it goes to              |
| the same at the end of the longest comment         | the same; of a longer one, an answer              |
| a label or an assignment that is mapped            | what it is mapped to                              |
| one that is not mapped                             | one question for the configuration, and nothing   |
"""

import pytest

from functions.runs.model import origin
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.docs_run_spec import DocsRunSpec
from tests.github.delivery_bench import Stage
from tests.support.github import payloads
from tests.support.github.content import user

# Submitting ---------------------------------------------------------------------------------------------------------


def test_a_comment_becomes_a_run_that_knows_where_it_came_from(stage: Stage) -> None:
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


def test_documentation_is_asked_for_with_its_directory(stage: Stage) -> None:
    run, _ = stage.asked_for("/docs services/api branch=next")
    assert isinstance(run.spec, DocsRunSpec)
    assert (run.spec.working_directory, run.spec.source_branch) == ("services/api", "next")


def test_the_repository_configures_what_the_comment_leaves_out(stage: Stage) -> None:
    stage.configure("service: billing\nagents: [5DLabs-Tess]\nmodels: {code: claude-mine}\nmaxRetries: 3")
    run, _ = stage.asked_for("/code 3 agent=tess")
    assert isinstance(run.spec, CodeRunSpec)
    assert (run.spec.service, run.spec.agent) == ("billing", "tess")
    assert (run.spec.model, run.spec.max_retries) == ("claude-mine", 3)


def test_on_a_pull_request_work_starts_from_where_it_goes_to(stage: Stage) -> None:
    number = stage.shop.open_pull("feature", "release-1", by="octocat")["number"]
    assert stage.comment(number, "/code 3 service=api").code == 204
    assert isinstance(found := stage.run().spec, CodeRunSpec)
    assert found.branch == "release-1"


def test_on_a_pull_request_of_a_fork_nothing_of_the_fork_is_worked_on(stage: Stage) -> None:
    number = stage.shop.open_pull("feature", by="mallory", fork="mallory/shop")["number"]
    payload = stage.commented(number, "/code 3 service=api", by="mallory")
    assert stage.deliver("issue_comment", payload).code == 204
    assert stage.runs() == []
    assert stage.comment(number, "/code 3 service=api").code == 204
    assert stage.run().spec.repository_url.endswith("/acme/shop.git")  # type: ignore[union-attr]
    assert stage.run().spec.base_branch == "main"  # type: ignore[union-attr]


# However long a comment is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["\U0001f600" * 65_500 + "\n\n", "a line of one paragraph\n" * 2_500])
def test_a_command_at_the_end_of_the_longest_comment_is_run(stage: Stage, before: str) -> None:
    number = stage.shop.open_issue(body="\U0001f600" * 65_536)["number"]
    assert stage.comment(number, f"{before}/code 3 service=api").code == 204
    assert isinstance(found := stage.run().spec, CodeRunSpec)
    assert found.task_id == 3
    assert stage.answers(number) == []


def test_a_comment_too_long_to_be_read_to_its_end_is_answered(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    assert stage.comment(number, "/code 3 service=api\n" + "x" * 65_536).code == 204
    assert stage.runs() == []
    (answer,) = stage.answers(number)
    assert "write the command in a comment of its own" in answer


# Labels and assignment ----------------------------------------------------------------------------------------------


def test_a_label_that_is_mapped_starts_what_it_stands_for(stage: Stage) -> None:
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


def test_an_assignment_that_is_mapped_starts_what_it_stands_for(stage: Stage) -> None:
    stage.configure("assignees: {shop-agent: /docs services}")
    number = stage.shop.open_issue()["number"]
    stage.deliver("issues", payloads.issue(stage.shop, number, "assigned", assignee=user("Shop-Agent")))
    assert stage.run().kind == "DocsRun"


@pytest.mark.parametrize("configured", ["", "labels: {document: /docs}", "labels: [bad"])
def test_a_label_that_is_not_mapped_costs_one_question(stage: Stage, configured: str) -> None:
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


def test_a_mapped_command_that_lacks_its_task_is_answered(stage: Stage) -> None:
    stage.configure("labels: {agent: /code service=api}")
    number = stage.shop.open_issue("Task 3.1: log in")["number"]
    stage.deliver("issues", payloads.issue(stage.shop, number, "labeled", label={"name": "agent"}))
    assert "the task is missing: name it in the title" in stage.answers(number)[0]
