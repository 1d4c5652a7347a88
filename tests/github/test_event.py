"""Runs that `github_event` starts for people: by a comment, a label, an assignment.

Idempotency: test_event_once.py. Refusals: test_event_refused.py; errors of GitHub: test_event_trouble.py. Commands
on existing runs: test_asked.py, test_feedback.py.
"""

import pytest

from functions.runs.model import origin
from functions.runs.model.docs_run_spec import DocsRunSpec
from tests.github.delivery_bench import DeliveryBench
from tests.support.github import payloads
from tests.support.github.content import user

# Submission ---------------------------------------------------------------------------------------------------------


def test_a_comment_becomes_a_run_with_its_origin(bench: DeliveryBench) -> None:
    number = bench.issue()
    payload = bench.commented(number, "/code 3 service=api")
    assert bench.deliver("issue_comment", payload).code == 204
    run, spec = bench.run(), bench.spec()
    assert (spec.task_id, spec.service, spec.branch, spec.agent) == (3, "api", "main", "rex")
    assert spec.repository_url == bench.github.url.replace("http:", "https:") + "/acme/shop.git"
    comment = payload["comment"]
    moment = f"{comment['created_at']} {comment['id']:020} 000000"
    asked = origin.Origin("acme/shop", number, "octocat", comment["html_url"], bench.shop.id, moment)
    assert origin.from_object(run.raw) == asked
    assert bench.shop.reactions == [{"comment": comment["id"], "content": "eyes"}]
    assert bench.answers(number) == []


def test_a_docs_command_sets_directory_and_branch(bench: DeliveryBench) -> None:
    run, _ = bench.asked_for("/docs services/api branch=next")
    assert isinstance(run.spec, DocsRunSpec)
    assert (run.spec.working_directory, run.spec.source_branch) == ("services/api", "next")


def test_the_configuration_provides_defaults_for_a_command(bench: DeliveryBench) -> None:
    bench.configure("service: billing\nagents: [5DLabs-Tess]\nmodels: {code: claude-mine}\nmaxRetries: 3")
    bench.asked_for("/code 3 agent=tess")
    spec = bench.spec()
    assert (spec.service, spec.agent, spec.model, spec.max_retries) == ("billing", "tess", "claude-mine", 3)


def test_a_run_requested_on_a_pull_request_starts_from_its_base_branch(bench: DeliveryBench) -> None:
    number = bench.shop.open_pull("feature", "release-1", by="octocat")["number"]
    assert bench.comment(number, "/code 3 service=api").code == 204
    assert bench.spec().branch == "release-1"


def test_a_run_requested_on_a_forks_pull_request_uses_the_base_repository(bench: DeliveryBench) -> None:
    number = bench.shop.open_pull("feature", by="mallory", fork="mallory/shop")["number"]
    payload = bench.commented(number, "/code 3 service=api", by="mallory")
    assert bench.deliver("issue_comment", payload).code == 204
    assert bench.runs() == []
    assert bench.comment(number, "/code 3 service=api").code == 204
    assert bench.spec().repository_url.endswith("/acme/shop.git")
    assert bench.spec().base_branch == "main"


# Long comments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["\U0001f600" * 65_500 + "\n\n", "a line of one paragraph\n" * 2_500])
def test_a_command_at_the_end_of_the_longest_comment_is_run(bench: DeliveryBench, before: str) -> None:
    number = bench.issue(body="\U0001f600" * 65_536)
    assert bench.comment(number, f"{before}/code 3 service=api").code == 204
    assert bench.spec().task_id == 3
    assert bench.answers(number) == []


def test_a_command_in_a_comment_over_githubs_limit_gets_a_reply(bench: DeliveryBench) -> None:
    number = bench.issue()
    assert bench.comment(number, "/code 3 service=api\n" + "x" * 65_536).code == 204
    assert bench.runs() == []
    (answer,) = bench.answers(number)
    assert "write the command in a comment of its own" in answer


# Labels and assignment ----------------------------------------------------------------------------------------------


def test_a_mapped_label_starts_its_command_once(bench: DeliveryBench) -> None:
    bench.configure('labels: {"Agent: code": /code service=api}')
    number = bench.issue("Task 12: log in")
    payload = payloads.issue(bench.shop, number, "labeled", label={"name": "agent: CODE"})
    for guid in ("by the App", "by the organization"):
        assert bench.deliver("issues", payload, guid).code == 204
    assert (bench.spec().task_id, bench.spec().service) == (12, "api")
    assert bench.comment(number, "/cancel").code == 204
    assert bench.run().cancel


def test_a_mapped_assignment_starts_its_command(bench: DeliveryBench) -> None:
    bench.configure("assignees: {shop-agent: /docs services}")
    number = bench.issue()
    bench.deliver("issues", payloads.issue(bench.shop, number, "assigned", assignee=user("Shop-Agent")))
    assert bench.run().kind == "DocsRun"


@pytest.mark.parametrize("configured", ["", "labels: {document: /docs}", "labels: [bad"])
def test_a_label_without_mapping_costs_one_call(bench: DeliveryBench, configured: str) -> None:
    bench.configure(configured)
    number = bench.issue()
    bench.deliver("issues", payloads.issue(bench.shop, number, "labeled", label={"name": "bug"}))
    assert bench.github.asked("repos/acme/shop/(?!installation)") == [
        "GET /repos/acme/shop/contents/.github/orchestrator.yaml"
    ]
    assert bench.runs() == []
    assert bench.answers(number) == []


def test_a_label_by_a_user_without_write_access_starts_nothing(bench: DeliveryBench) -> None:
    bench.configure("labels: {document: /docs}")
    bench.shop.people["triager"] = "triage"
    number = bench.issue()
    bench.deliver("issues", payloads.issue(bench.shop, number, "labeled", "triager", label={"name": "document"}))
    assert bench.runs() == []


def test_a_mapped_command_without_a_task_gets_a_reply(bench: DeliveryBench) -> None:
    bench.configure("labels: {agent: /code service=api}")
    number = bench.issue("Task 3.1: log in")
    bench.deliver("issues", payloads.issue(bench.shop, number, "labeled", label={"name": "agent"}))
    assert "the task is missing: name it in the title" in bench.answers(number)[0]
