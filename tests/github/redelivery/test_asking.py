"""The sweep requests redelivery of failed deliveries."""

from datetime import timedelta

import pytest

from functions.github.webhook.redelivery import backoff
from functions.manifests.config_map import REDELIVERY_STATE
from tests.github.redelivery.sweeps import REQUEST, break_webhook, comment, repair_webhook, saved_state, swept
from tests.support.api import Harness
from tests.support.github import Github
from tests.support.github.content import Repository


def test_a_sweep_without_failed_deliveries_makes_one_call_and_one_read(
    world: Harness, github: Github, shop: Repository
) -> None:
    for _ in range(60):
        github.hook.deliver("issue_comment", comment(shop))
    swept(world)
    for _ in range(5):
        world.later(minutes=1)
        github.hook.deliver("issue_comment", comment(shop))
        github.calls.clear()
        world.calls.calls.clear()
        assert swept(world)["redelivered"] == 0
        assert github.asked() == ["GET /app/hook/deliveries"]
        assert [path for path in world.calls.reads if REDELIVERY_STATE.name in path] == [
            f"/api/v1/namespaces/orchestrator/configmaps/{REDELIVERY_STATE.name}"
        ]
        assert world.calls.writes == []
    world.later(minutes=10)
    github.hook.deliver("issue_comment", comment(shop))
    swept(world)
    assert len(world.calls.writes) == 1, "progress is saved every few minutes"


def test_without_an_app_github_is_not_called(world: Harness) -> None:
    swept(world)
    assert not [path for path in world.calls.reads if REDELIVERY_STATE.name in path]


@pytest.mark.parametrize("code", [0, 403, 413, 500, 503])
def test_deliveries_lost_while_the_webhook_was_down_are_redelivered(
    world: Harness, github: Github, shop: Repository, code: int
) -> None:
    github.hook.deliver("issue_comment", comment(shop))
    break_webhook(github, code)
    lost = [github.hook.deliver("issue_comment", comment(shop)).guid for _ in range(3)]
    swept(world)
    world.later(minutes=2)
    arrived = repair_webhook(github)
    assert swept(world)["redelivered"] == 3
    assert sorted(arrived) == sorted(lost)
    for _ in range(4):
        world.later(minutes=70)
        assert swept(world)["redelivered"] == 0
    assert saved_state(world).failed == {}


def test_the_next_sweep_requests_a_failed_delivery(world: Harness, github: Github, shop: Repository) -> None:
    swept(world)
    break_webhook(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    arrived = repair_webhook(github)
    world.later(minutes=1)
    swept(world)
    assert arrived == [lost.guid]


def test_a_delivery_that_arrived_meanwhile_is_not_requested(world: Harness, github: Github, shop: Repository) -> None:
    """A person redelivers before or after the sweep has seen the failure."""
    break_webhook(github)
    early, late = [github.hook.deliver("issue_comment", comment(shop)) for _ in range(2)]
    repair_webhook(github)
    github.hook.again(early.id)
    break_webhook(github)
    swept(world)
    assert list(saved_state(world).failed) == [late.guid]
    repair_webhook(github)
    github.hook.again(late.id)
    github.calls.clear()
    world.later(minutes=5)
    assert swept(world)["redelivered"] == 0
    assert not github.asked(REQUEST)


def test_failed_deliveries_of_ignored_events_are_not_requested(
    world: Harness, github: Github, shop: Repository
) -> None:
    break_webhook(github)
    for event in ("push", "star", "ping", "workflow_run"):
        github.hook.deliver(event, {"repository": shop.shown()})
    swept(world)
    assert not github.asked(REQUEST)
    assert saved_state(world).failed == {}


def test_a_delivery_that_keeps_failing_is_requested_less_often_for_three_days(
    world: Harness, github: Github, shop: Repository
) -> None:
    break_webhook(github)
    github.hook.deliver("issue_comment", comment(shop))
    asked = []
    for minute in range(32):
        if swept(world)["redelivered"]:
            asked.append(minute)
        world.later(minutes=1)
    assert asked == [0, 2, 6, 14, 30]
    world.later(days=2)
    assert [swept(world)["redelivered"] for _ in range(3)] == [1, 0, 0]
    world.later(minutes=59)
    assert swept(world)["redelivered"] == 0
    world.later(minutes=1)
    assert swept(world)["redelivered"] == 1
    world.later(days=1)
    assert swept(world)["redelivered"] == 0, "after three days"
    assert saved_state(world).failed == {}


def test_the_redelivery_back_off_grows_to_an_hour() -> None:
    assert [backoff(tries) // timedelta(minutes=1) for tries in (1, 2, 3, 4, 5, 6, 7, 5_000)] == [
        2, 4, 8, 16, 32, 60, 60, 60,
    ]  # fmt: skip


def test_a_failure_older_than_three_days_is_not_requested(world: Harness, github: Github, shop: Repository) -> None:
    break_webhook(github)
    github.hook.deliver("issue_comment", comment(shop))
    world.later(days=3, minutes=1)
    recent = github.hook.deliver("issue_comment", comment(shop))
    arrived = repair_webhook(github)
    swept(world)
    assert arrived == [recent.guid]
