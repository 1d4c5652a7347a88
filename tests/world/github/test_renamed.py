"""G4: a repository that is renamed or transferred at any moment is the same one, by its id.

| renamed or transferred                       | expected                                                        |
|----------------------------------------------|-----------------------------------------------------------------|
| between a command and its handling           | the run is made, and answered where it was asked                |
| between a run's start and its report         | comment, check run and pull request are there                   |
| while a pull request of the run is open      | that one is found, also under another owner                     |
| and only a name is known                     | the redirect is followed, with a token for that repository only |
"""

import pytest

from functions.github.api.client import Github as Client
from tests.github.delivery_bench import DeliveryBench
from tests.github.report_bench import FIRST, ReportBench
from tests.support.github import Github

NAMES = pytest.mark.parametrize("name", ["acme/store", "umbrella/shop"], ids=["renamed", "transferred"])


@NAMES
def test_between_command_and_handling(bench: DeliveryBench, name: str) -> None:
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
def test_between_start_and_report(reporting: ReportBench, name: str) -> None:
    reporting.works()
    assert reporting.report() == 204
    reporting.shop.rename(name)
    if name.startswith("umbrella/"):
        reporting.shop.installation = 78
    reporting.ends()
    restarted = reporting.services(reporting.both)  # a token of the former owner's installation may be kept for an hour
    assert reporting.report(services=restarted) == 204
    reporting.check_reported()
    assert [token.granted for token in reporting.github.app.tokens] == [[reporting.shop]] * len(
        reporting.github.app.tokens
    )


def test_an_open_pull_request_is_found_under_another_owner(reporting: ReportBench) -> None:
    reporting.works()
    reporting.shop.branches[reporting.branch] = FIRST
    reporting.shop.open_pull(reporting.branch, by="5dlabs-rex[bot]")
    reporting.shop.rename("umbrella/shop")
    reporting.ends()
    assert reporting.report() == 204
    reporting.check_reported()


def test_a_former_name_is_followed_with_a_token_for_that_repository_alone(github: Github, client: Client) -> None:
    shop = github.repository("acme/shop")
    shop.open_issue()
    github.repository("acme/other")
    shop.rename("acme/store")
    calls = client.repository("acme/shop")
    assert calls.get("issues/1")["number"] == 1
    assert calls.post("issues/1/comments", {"body": "hello"})["body"] == "hello"
    assert [token.repositories for token in github.app.tokens] == [["store"]]
