"""`github_event` while GitHub is busy or denies access, and for events that are not deliveries.

| case                                               | expected                                          |
|----------------------------------------------------|---------------------------------------------------|
| GitHub is busy, or a rate limit is reached         | 503, with the time to wait; the redelivery works  |
| only the reaction fails                            | the run is created                                |
| the App lacks a permission, or is not configured   | 403, kept for people to fix                       |
| an installation changes                            | tokens are replaced                               |
| an event that is not a delivery                    | ignored                                           |
"""

from dataclasses import replace

import pytest

from tests.github.delivery_bench import Stage
from tests.support.github import payloads


@pytest.mark.parametrize("call", ["permission", "contents", "access_tokens"])
def test_a_delivery_is_redelivered_while_github_is_busy(stage: Stage, call: str) -> None:
    stage.github.fails(call, 503)
    number = stage.shop.open_issue()["number"]
    found = stage.comment(number, "/code 3 service=api")
    assert (found.code, stage.runs()) == (503, [])
    stage.clock.later(minutes=2)
    assert stage.take(stage.queue[-1]).code == 204
    assert len(stage.runs()) == 1


def test_a_rate_limit_sets_retry_after(stage: Stage) -> None:
    stage.github.fails("permission", 429, Retry_After="17")
    found = stage.comment(stage.shop.open_issue()["number"], "/code 3 service=api")
    assert (found.code, found.headers["Retry-After"]) == (503, "17")


def test_a_failed_reaction_does_not_fail_the_command(stage: Stage) -> None:
    stage.github.fails("reactions", 502)
    stage.asked_for()
    assert stage.shop.reactions == []


def test_a_missing_permission_or_app_answers_403(stage: Stage) -> None:
    del stage.github.app.permissions["metadata"]
    assert stage.comment(stage.shop.open_issue()["number"], "/code 3 service=api").code == 403
    stage.services = replace(stage.services, github=None)
    assert stage.take(stage.queue[-1]).code == 403


def test_tokens_are_replaced_when_an_installation_changes(stage: Stage) -> None:
    _, number = stage.asked_for()
    before = len(stage.github.app.tokens)
    stage.comment(number, "/status")
    assert len(stage.github.app.tokens) == before
    assert stage.deliver("installation", payloads.installation(stage.shop, "new_permissions_accepted")).code == 204
    stage.comment(number, "/status")
    assert len(stage.github.app.tokens) == before + 1


def test_an_event_that_is_not_a_delivery_is_acknowledged_without_effect(stage: Stage) -> None:
    stage.comment(stage.shop.open_issue()["number"], "hello")
    (event,) = stage.queue
    assert stage.take(replace(event, type="somebody.elses.v1")).code == 204
    assert stage.take(replace(event, data=[1])).code == 204  # a final error is acknowledged to the queue
    assert stage.world.calls.calls == []
