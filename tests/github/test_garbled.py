"""Answers of GitHub with a success status and an invalid body."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from functions.cluster.transport import Request
from functions.github.api.client import Github as Client
from functions.github.api.permissions import Permissions
from functions.github.api.tokens import AppKey
from functions.github.api.transport import HttpTransport, Response
from functions.handlers import reconcile
from functions.serving.http import answer
from tests.conftest import SCALE
from tests.github.delivery_bench import DeliveryBench
from tests.github.redelivery.sweeps import LIST, saved_state, swept
from tests.github.report_bench import ON_GITHUB, ReportBench
from tests.support.forwarding import ForwardingTransport
from tests.support.github import payloads
from tests.support.run_steps import event

BODIES = [
    b"",
    b"{}",
    b"[]",
    b"[1]",
    b'{"check_runs": null}',
    b'{"id": "x", "token": 1, "expires_at": "soon", "html_url": null, "permission": [], "state": {}}',
    b'[{"id": null, "body": 5, "user": "me", "performed_via_github_app": [], "app": 1, "output": "", "html_url": 0}]',
    b"<html>",
]
MOST = 40
"""More calls than any case makes."""
EVERY = 1 if SCALE >= 1 else 3


def calls_garbled_with(body: bytes) -> range:
    """Return the numbers of the calls that are garbled with this body: every EVERY-th, each call with some body."""
    return range(BODIES.index(body) % EVERY, MOST, EVERY)


@dataclass
class Garbling(ForwardingTransport):
    """A transport to GitHub, or to GitHub and the cluster, that garbles call number `at` (0-based) to GitHub."""

    inner: Any
    at: int
    body: bytes
    made: int = 0

    def send(self, request: Any) -> Any:
        if isinstance(request, Request) and request.path != ON_GITHUB:
            return self.inner.send(request)
        number, self.made = self.made, self.made + 1
        found = self.inner.send(request)
        return Response(200, {}, self.body) if number == self.at and found.status < 300 else found


# Deletion -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", BODIES)
def test_a_deletion_completes_with_any_garbled_answer(body: bytes) -> None:
    for at in calls_garbled_with(body):
        reporting = ReportBench()
        reporting.succeeds()
        reporting.report()
        reporting.deletes()
        garbling = Garbling(reporting.both, at, body)
        deleted = answer(partial(reconcile.handle, reporting.services(garbling)), event(reporting.run().raw))
        assert (deleted.code, reporting.gone()) == (204, True), at
        if garbling.made <= at:
            break
    assert 4 <= at < MOST - 1


def test_the_check_is_closed_although_the_comment_cannot_be(reporting: ReportBench) -> None:
    reporting.succeeds()
    reporting.report()
    reporting.asks(contextVersion=2)
    reporting.works()
    reporting.report()
    reporting.github.fails("comments", 200, times=9, body=["<html>"])
    reporting.deletes()
    reconcile.handle(reporting.services(), event(reporting.run().raw))
    assert reporting.gone()
    assert [status for status, _ in reporting.checks().values()] == ["completed"]


# Reports ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", BODIES)
def test_a_run_is_synced_once_after_a_garbled_answer(body: bytes) -> None:
    for at in calls_garbled_with(body):
        reporting = ReportBench()
        reporting.succeeds()
        raw, garbling = reporting.run().raw, Garbling(reporting.both, at, body)
        assert reporting.report(raw, reporting.services(garbling)) in (204, 503), at
        reporting.world.later(minutes=3)
        assert reporting.report(raw) == 204, "the redelivery"
        reporting.check_reported()
        if garbling.made <= at:
            break
    assert 8 <= at < MOST - 1


# Deliveries ---------------------------------------------------------------------------------------------------------


def garbled(bench: DeliveryBench, at: int, body: bytes) -> Garbling:
    """Replace the function's process by a new one that gets one garbled answer of GitHub."""
    github = bench.services.settings.github
    garbling = Garbling(HttpTransport(), at, body)
    client = Client(github.api_url, AppKey(github.app_id, github.key), garbling, bench.clock)
    bench.services = replace(bench.services, github=client, permissions=Permissions())
    return garbling


@pytest.mark.parametrize("body", BODIES)
def test_a_delivery_is_handled_once_after_a_garbled_answer(bench: DeliveryBench, body: bytes) -> None:
    number = bench.shop.open_pull("feature", base="next")["number"]
    for at in calls_garbled_with(body):
        known = {run.uid for run in bench.runs()}
        delivery = bench.queued("issue_comment", bench.commented(number, "/code 3 service=api"))
        garbling = garbled(bench, at, body)
        assert bench.take(delivery).code in (204, 503), at
        garbled(bench, MOST, b"")
        assert bench.take(delivery).code == 204, "the redelivery"
        (made,) = (run for run in bench.runs() if run.uid not in known)
        assert bench.spec(made).branch == "next", at
        if garbling.made <= at:
            break
    assert 6 <= at < MOST - 1
    assert bench.answers(number) == []


@pytest.mark.parametrize("body", BODIES)
def test_a_pull_request_event_is_redelivered_after_a_garbled_answer(bench: DeliveryBench, body: bytes) -> None:
    run, pull = bench.with_pull()
    bench.shop.pulls[pull["number"]] |= {"state": "closed", "merged": True}
    delivery = bench.queued("pull_request", payloads.pull_request(bench.shop, pull["number"], "closed"))
    for at in range(3):
        garbled(bench, at, body)
        assert bench.take(delivery).code == 503
        assert bench.now(run).status.pull_request_url is None
    garbled(bench, MOST, b"")
    assert bench.take(delivery).code == 204
    assert bench.now(run).status.pull_request_url == pull["html_url"]


# Failed deliveries --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{"total": 1}, ["<html>"], {"message": "hello"}])
def test_an_invalid_page_of_deliveries_is_read_again(bench: DeliveryBench, body: Any) -> None:
    bench.world.services = replace(bench.services, publisher=None)
    bench.github.hook.send = lambda *_: 503
    bench.github.hook.deliver("issue_comment", bench.commented(bench.issue(), "/docs"))
    bench.clock.later(minutes=30)
    bench.github.fails(LIST, 200, body=body)
    assert swept(bench.world)["redelivered"] == 0
    assert saved_state(bench.world).until is None
    assert swept(bench.world)["redelivered"] == 1
