"""G4: a repository is identified by its id, so a rename or transfer at any moment has no effect.

| renamed or transferred                  | expected                                                        |
|-----------------------------------------|-----------------------------------------------------------------|
| between a command and its handling      | the run is created; the reply is on the same issue              |
| between a run's start and its report    | comment, check run and pull request are written                 |
| while a pull request of the run is open | that pull request is found, also under another owner            |
| and only the former name is known       | the redirect is followed, with a token for that repository only |
"""

import pytest

from functions.github.api.client import Github as Client
from tests.github.delivery_bench import DeliveryBench
from tests.github.report_bench import FIRST, ReportBench
from tests.support.github import Github

NAMES = pytest.mark.parametrize("name", ["acme/store", "umbrella/shop"], ids=["renamed", "transferred"])


@NAMES
def test_command_is_handled_after_its_repository_was_renamed(bench: DeliveryBench, name: str) -> None:
    number = bench.shop.open_issue()["number"]
    commented = bench.commented(number, "/code 3 service=api")
    bench.github.hook.deliver("issue_comment", commented)
    bench.shop.rename(name)
    assert bench.take(bench.queue[-1]).code == 204
    assert len(bench.runs()) == 1
    bench.github.hook.deliver("issue_comment", bench.commented(number, "/code three"))
    assert bench.take(bench.queue[-1]).code == 204
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
