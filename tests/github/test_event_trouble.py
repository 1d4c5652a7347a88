"""`github_event` while GitHub is busy or denies access, and for events that are not deliveries."""

from dataclasses import replace

import pytest

from tests.github.delivery_bench import DeliveryBench
from tests.support.github import payloads


@pytest.mark.parametrize("call", ["permission", "contents", "access_tokens"])
def test_a_delivery_is_redelivered_while_github_is_busy(bench: DeliveryBench, call: str) -> None:
    bench.github.fails(call, 503)
    number = bench.issue()
    found = bench.comment(number, "/code 3 service=api")
    assert (found.code, bench.runs()) == (503, [])
    bench.clock.later(minutes=2)
    assert bench.take(bench.queue[-1]).code == 204
    assert len(bench.runs()) == 1


def test_a_rate_limit_sets_retry_after(bench: DeliveryBench) -> None:
    bench.github.fails("permission", 429, Retry_After="17")
    found = bench.comment(bench.issue(), "/code 3 service=api")
    assert (found.code, found.headers["Retry-After"]) == (503, "17")


def test_a_failed_reaction_does_not_fail_the_command(bench: DeliveryBench) -> None:
    bench.github.fails("reactions", 502)
    bench.asked_for()
    assert bench.shop.reactions == []


def test_a_missing_permission_or_app_answers_403(bench: DeliveryBench) -> None:
    del bench.github.app.permissions["metadata"]
    assert bench.comment(bench.issue(), "/code 3 service=api").code == 403
    bench.services = replace(bench.services, github=None)
    assert bench.take(bench.queue[-1]).code == 403


def test_tokens_are_replaced_when_an_installation_changes(bench: DeliveryBench) -> None:
    _, number = bench.asked_for()
    before = len(bench.github.app.tokens)
    bench.comment(number, "/status")
    assert len(bench.github.app.tokens) == before
    assert bench.deliver("installation", payloads.installation(bench.shop, "new_permissions_accepted")).code == 204
    bench.comment(number, "/status")
    assert len(bench.github.app.tokens) == before + 1


def test_an_event_that_is_not_a_delivery_is_acknowledged_without_effect(bench: DeliveryBench) -> None:
    bench.comment(bench.issue(), "hello")
    (event,) = bench.queue
    assert bench.take(replace(event, type="somebody.elses.v1")).code == 204
    assert bench.take(replace(event, data=[1])).code == 204  # a final error is acknowledged to the queue
    assert bench.world.calls.calls == []
