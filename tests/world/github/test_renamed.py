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
from tests.github.delivery_bench import Stage
from tests.github.report_bench import FIRST, Newsroom
from tests.support.github import Github

NAMES = pytest.mark.parametrize("name", ["acme/store", "umbrella/shop"], ids=["renamed", "transferred"])


@NAMES
def test_between_command_and_handling(stage: Stage, name: str) -> None:
    number = stage.shop.open_issue()["number"]
    commented = stage.commented(number, "/code 3 service=api")
    stage.github.hook.deliver("issue_comment", commented)
    stage.shop.rename(name)
    assert stage.take(stage.queue[-1]).code == 204
    assert len(stage.runs()) == 1
    stage.github.hook.deliver("issue_comment", stage.commented(number, "/code three"))
    assert stage.take(stage.queue[-1]).code == 204
    assert "must be a number" in stage.answers(number)[0]


@NAMES
def test_between_start_and_report(room: Newsroom, name: str) -> None:
    room.works()
    assert room.report() == 204
    room.shop.rename(name)
    if name.startswith("umbrella/"):
        room.shop.installation = 78
    room.ends()
    restarted = room.services(room.both)  # a token of the former owner's installation may be kept for an hour
    assert room.report(services=restarted) == 204
    room.check_told()
    assert [token.granted for token in room.github.app.tokens] == [[room.shop]] * len(room.github.app.tokens)


def test_an_open_pull_request_is_found_under_another_owner(room: Newsroom) -> None:
    room.works()
    room.shop.branches[room.branch] = FIRST
    room.shop.open_pull(room.branch, by="5dlabs-rex[bot]")
    room.shop.rename("umbrella/shop")
    room.ends()
    assert room.report() == 204
    room.check_told()


def test_a_former_name_is_followed_with_a_token_for_that_repository_alone(github: Github, client: Client) -> None:
    shop = github.repository("acme/shop")
    shop.open_issue()
    github.repository("acme/other")
    shop.rename("acme/store")
    calls = client.repository("acme/shop")
    assert calls.get("issues/1")["number"] == 1
    assert calls.post("issues/1/comments", {"body": "hello"})["body"] == "hello"
    assert [token.repositories for token in github.app.tokens] == [["store"]]
