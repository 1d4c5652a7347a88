"""Answers of GitHub with a success status and an invalid body.

| the call belongs to                            | expected                                                        |
|------------------------------------------------|-----------------------------------------------------------------|
| a deletion                                     | the deletion completes; other parts are still closed            |
| a report                                       | the run is reported later, once                                 |
| a delivery                                     | redelivered; everything is done once, without a reply           |
| the list of deliveries                         | the page is read again                                          |
"""

from collections.abc import Iterator
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
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.serving.http import answer
from tests.github.delivery_bench import Stage
from tests.github.redelivery.sweeps import LIST, kept, swept
from tests.github.report_bench import ON_GITHUB, Newsroom
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


@dataclass
class Garbling:
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

    def stream(self, request: Any) -> Iterator[Any]:
        return self.inner.stream(request)  # type: ignore[no-any-return]


# Deletion -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", BODIES)
def test_a_deletion_completes_with_any_garbled_answer(body: bytes) -> None:
    for at in range(MOST):
        room = Newsroom()
        room.succeeds()
        room.report()
        room.deletes()
        garbling = Garbling(room.both, at, body)
        deleted = answer(partial(reconcile.handle, room.services(garbling)), event(room.run().raw))
        assert (deleted.code, room.gone()) == (204, True), at
        if garbling.made <= at:
            break
    assert 4 <= at < MOST - 1


def test_the_check_is_closed_although_the_comment_cannot_be(room: Newsroom) -> None:
    room.succeeds()
    room.report()
    room.asks(contextVersion=2)
    room.works()
    room.report()
    room.github.fails("comments", 200, times=9, body=["<html>"])
    room.deletes()
    reconcile.handle(room.services(), event(room.run().raw))
    assert room.gone()
    assert [status for status, _ in room.checks().values()] == ["completed"]


# Reports ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", BODIES)
def test_a_run_is_synced_once_after_a_garbled_answer(body: bytes) -> None:
    for at in range(MOST):
        room = Newsroom()
        room.succeeds()
        raw, garbling = room.run().raw, Garbling(room.both, at, body)
        assert room.report(raw, room.services(garbling)) in (204, 503), at
        room.world.later(minutes=3)
        assert room.report(raw) == 204, "the redelivery"
        room.check_told()
        if garbling.made <= at:
            break
    assert 8 <= at < MOST - 1


# Deliveries ---------------------------------------------------------------------------------------------------------


def garbled(stage: Stage, at: int, body: bytes) -> Garbling:
    """Replace the function's process by a new one that gets one garbled answer of GitHub."""
    github = stage.services.settings.github
    garbling = Garbling(HttpTransport(), at, body)
    client = Client(github.api_url, AppKey(github.app_id, github.key), garbling, stage.clock)
    stage.services = replace(stage.services, github=client, permissions=Permissions())
    return garbling


@pytest.mark.parametrize("body", BODIES)
def test_a_delivery_is_handled_once_after_a_garbled_answer(stage: Stage, body: bytes) -> None:
    number = stage.shop.open_pull("feature", base="next")["number"]
    for at in range(MOST):
        known = {run.uid for run in stage.runs()}
        stage.github.hook.deliver("issue_comment", stage.commented(number, "/code 3 service=api"))
        garbling = garbled(stage, at, body)
        assert stage.take(stage.queue[-1]).code in (204, 503), at
        garbled(stage, MOST, b"")
        assert stage.take(stage.queue[-1]).code == 204, "the redelivery"
        (made,) = (run for run in stage.runs() if run.uid not in known)
        assert isinstance(made.spec, CodeRunSpec)
        assert made.spec.branch == "next", at
        if garbling.made <= at:
            break
    assert 6 <= at < MOST - 1
    assert stage.answers(number) == []


@pytest.mark.parametrize("body", BODIES)
def test_a_pull_request_event_is_redelivered_after_a_garbled_answer(stage: Stage, body: bytes) -> None:
    run, pull = stage.with_pull()
    stage.shop.pulls[pull["number"]] |= {"state": "closed", "merged": True}
    stage.github.hook.deliver("pull_request", payloads.pull_request(stage.shop, pull["number"], "closed"))
    for at in range(3):
        garbled(stage, at, body)
        assert stage.take(stage.queue[-1]).code == 503
        assert stage.now(run).status.pull_request_url is None
    garbled(stage, MOST, b"")
    assert stage.take(stage.queue[-1]).code == 204
    assert stage.now(run).status.pull_request_url == pull["html_url"]


# Failed deliveries --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{"total": 1}, ["<html>"], {"message": "hello"}])
def test_an_invalid_page_of_deliveries_is_read_again(stage: Stage, body: Any) -> None:
    stage.world.services = replace(stage.services, publisher=None)
    stage.github.hook.send = lambda *_: 503
    stage.github.hook.deliver("issue_comment", stage.commented(stage.shop.open_issue()["number"], "/docs"))
    stage.clock.later(minutes=30)
    stage.github.fails(LIST, 200, body=body)
    assert swept(stage.world)["redelivered"] == 0
    assert kept(stage.world).until is None
    assert swept(stage.world)["redelivered"] == 1
