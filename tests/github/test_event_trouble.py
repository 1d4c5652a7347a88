"""What `github_event` does where GitHub is busy or does not let us, or where what comes is no delivery.

| what happens                                       | result                                            |
|----------------------------------------------------|---------------------------------------------------|
| GitHub is busy, or limits us                       | 503, with the time to wait; the next one does it  |
| only the reaction fails                            | the run all the same                              |
| the App may not, or there is none                  | 403, kept for people to mend                      |
| an installation changes                            | tokens are made anew                              |
| what is no delivery                                | ignored                                           |
"""

from dataclasses import replace

import pytest

from tests.github.delivery_bench import Stage
from tests.support.github import payloads


@pytest.mark.parametrize("call", ["permission", "contents", "access_tokens"])
def test_where_github_is_busy_the_delivery_comes_again(stage: Stage, call: str) -> None:
    stage.github.fails(call, 503)
    number = stage.shop.open_issue()["number"]
    found = stage.comment(number, "/code 3 service=api")
    assert (found.code, stage.runs()) == (503, [])
    stage.clock.later(minutes=2)
    assert stage.take(stage.queue[-1]).code == 204
    assert len(stage.runs()) == 1


def test_a_rate_limit_says_when_to_come_again(stage: Stage) -> None:
    stage.github.fails("permission", 429, Retry_After="17")
    found = stage.comment(stage.shop.open_issue()["number"], "/code 3 service=api")
    assert (found.code, found.headers["Retry-After"]) == (503, "17")


def test_a_reaction_that_fails_is_no_failure(stage: Stage) -> None:
    stage.github.fails("reactions", 502)
    stage.asked_for()
    assert stage.shop.reactions == []


def test_an_app_that_may_not_is_kept_for_people_to_mend(stage: Stage) -> None:
    del stage.github.app.permissions["metadata"]
    assert stage.comment(stage.shop.open_issue()["number"], "/code 3 service=api").code == 403
    stage.services = replace(stage.services, github=None)
    assert stage.take(stage.queue[-1]).code == 403


def test_tokens_are_made_anew_when_an_installation_changes(stage: Stage) -> None:
    _, number = stage.asked_for()
    before = len(stage.github.app.tokens)
    stage.comment(number, "/status")
    assert len(stage.github.app.tokens) == before
    assert stage.deliver("installation", payloads.installation(stage.shop, "new_permissions_accepted")).code == 204
    stage.comment(number, "/status")
    assert len(stage.github.app.tokens) == before + 1


def test_what_is_no_delivery_is_ignored_or_refused(stage: Stage) -> None:
    stage.comment(stage.shop.open_issue()["number"], "hello")
    (event,) = stage.queue
    assert stage.take(replace(event, type="somebody.elses.v1")).code == 204
    assert stage.take(replace(event, data=[1])).code == 204  # final: a queue has it acknowledged
    assert stage.world.calls.calls == []
