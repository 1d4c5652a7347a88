"""G4: a repository is identified by its id, so a rename or transfer at any moment has no effect."""

import pytest

from functions.cluster.kinds import RUNS
from functions.github.api.client import Github as Client
from functions.runs.model import naming, origin
from functions.runs.model.run import Run
from tests.github.delivery_bench import DeliveryBench
from tests.github.report_bench import FIRST, ReportBench
from tests.support.github import Github, payloads

COMMIT = "d" * 40
NAMES = pytest.mark.parametrize("name", ["acme/store", "umbrella/shop"], ids=["renamed", "transferred"])


@NAMES
def test_command_is_handled_after_its_repository_was_renamed(bench: DeliveryBench, name: str) -> None:
    number = bench.issue()
    delivery = bench.queued("issue_comment", bench.commented(number, "/code 3 service=api"))
    bench.shop.rename(name)
    assert bench.take(delivery).code == 204
    assert len(bench.runs()) == 1
    assert bench.comment(number, "/code three").code == 204
    assert "must be a number" in bench.answers(number)[0]


@NAMES
def test_run_is_reported_after_its_repository_was_renamed(reporting: ReportBench, name: str) -> None:
    reporting.works()
    assert reporting.report() == 204
    reporting.shop.rename(name)
    if name.startswith("umbrella/"):
        reporting.shop.installation = 78
    reporting.ends()
    restarted = reporting.services(reporting.both)  # an old token may be cached for an hour
    assert reporting.report(services=restarted) == 204
    reporting.check_reported()
    assert [token.granted for token in reporting.github.app.tokens] == [[reporting.shop]] * len(
        reporting.github.app.tokens
    )


def test_open_pull_request_is_found_under_another_owner(reporting: ReportBench) -> None:
    reporting.works()
    reporting.shop.branches[reporting.branch] = FIRST
    reporting.shop.open_pull(reporting.branch, by="5dlabs-rex[bot]")
    reporting.shop.rename("umbrella/shop")
    reporting.ends()
    assert reporting.report() == 204
    reporting.check_reported()


def test_redirect_of_a_former_name_is_followed_with_a_token_for_that_repository_only(
    github: Github, client: Client
) -> None:
    shop = github.repository("acme/shop")
    shop.open_issue()
    github.repository("acme/other")
    shop.rename("acme/store")
    calls = client.repository("acme/shop")
    assert calls.get("issues/1")["number"] == 1
    assert calls.post("issues/1/comments", {"body": "hello"})["body"] == "hello"
    assert [token.repositories for token in github.app.tokens] == [["store"]]


def submitted(bench: DeliveryBench) -> Run:
    """Return a run that was submitted by HTTP: nothing says where on GitHub it was requested."""
    run, _ = bench.asked_for()
    nowhere = {"annotations": {origin.ORIGIN: None}, "labels": {origin.ISSUE: None}}
    bench.world.kubelet.patch(RUNS[run.kind], run.namespace, run.name, {"metadata": nowhere})
    return bench.begins(bench.now(run))


def fails_a_check(bench: DeliveryBench, run: Run) -> None:
    branch = naming.branch(run.name, run.uid)
    bench.shop.branches[branch] = COMMIT
    payload = payloads.check_run(bench.shop, branch, head_sha=COMMIT)
    bench.shop.checks[payload["check_run"]["id"]] = payload["check_run"]
    assert bench.deliver("check_run", payload).code == 204


@pytest.mark.parametrize("name", ["acme/shop", "acme/store", "umbrella/shop"])
@pytest.mark.parametrize("during", [True, False], ids=["during the attempt", "after it"])
def test_feedback_on_a_run_submitted_by_http_causes_a_retry(bench: DeliveryBench, name: str, during: bool) -> None:
    run = submitted(bench)
    if name != "acme/shop":
        bench.shop.rename(name)
    if during:
        fails_a_check(bench, run)
    run = bench.ends(bench.now(run), commit=COMMIT)
    if not during:
        fails_a_check(bench, run)
    assert bench.report(run) == 204
    assert "The check tests failed" in bench.prompt()


def test_branch_of_a_submitted_run_in_another_repository_is_not_its_own(bench: DeliveryBench) -> None:
    run = bench.ends(submitted(bench), commit=COMMIT)
    bench.shop = bench.github.repository("acme/other")
    fails_a_check(bench, run)
    assert bench.retries() == 0
