"""A deletion waits for GitHub only for a bounded time; then the finalizer is removed."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from http.server import ThreadingHTTPServer
from threading import Event
from typing import Any

import pytest

from functions.cluster.transport import Request, Transport
from functions.github.api.errors import Busy
from functions.github.api.transport import HttpTransport
from functions.github.api.transport import Request as Call
from functions.handlers import reconcile
from functions.reporting.github.sync import CLOSE_TIME_LIMIT
from functions.serving.http import Answer, answer
from tests.github.report_bench import FIRST, ON_GITHUB, ReportBench
from tests.github.slow import Slow, with_commits
from tests.support.forwarding import ForwardingTransport
from tests.support.http_servers import Handler, listening
from tests.support.run_steps import event


@dataclass
class Defective(ForwardingTransport):
    """A transport on which every call to GitHub raises an unexpected error."""

    def send(self, request: Request) -> Any:
        if request.path == ON_GITHUB:
            raise RuntimeError("a defect")
        return self.inner.send(request)


def deleted(reporting: ReportBench, transport: Transport) -> Answer:
    reporting.deletes()
    return answer(partial(reconcile.handle, reporting.services(transport)), event(reporting.run().raw))


@pytest.mark.parametrize("seconds", [1, 4, 9.5, 60])
def test_the_finalizer_is_removed_in_time_while_github_is_slow(reporting: ReportBench, seconds: float) -> None:
    with_commits(reporting, 20)
    slow, before = Slow(reporting, seconds), reporting.world.now
    assert deleted(reporting, slow).code == 204
    assert reporting.gone()
    assert reporting.world.now - before <= CLOSE_TIME_LIMIT < timedelta(seconds=20)
    assert 1 <= slow.calls <= CLOSE_TIME_LIMIT.total_seconds() / seconds + 1
    if seconds == 1:
        assert "**Deleted**" in reporting.comment()
        assert reporting.checks() == {FIRST: ("completed", "cancelled")}


def test_the_finalizer_is_removed_although_closing_fails_unexpectedly(reporting: ReportBench) -> None:
    reporting.works()
    reporting.report()
    assert deleted(reporting, Defective(reporting.both)).code == 503
    assert reporting.gone()
    assert answer(partial(reconcile.handle, reporting.services()), event(reporting.made.raw)).code == 204, (
        "the redelivery"
    )


def test_the_check_is_closed_although_comments_fail(reporting: ReportBench) -> None:
    with_commits(reporting, 1)
    reporting.github.fails("comments", 502, times=9)
    assert deleted(reporting, reporting.both).code == 204
    assert reporting.checks() == {FIRST: ("completed", "cancelled")}


def test_a_call_with_a_timeout_waits_no_longer() -> None:
    over = Event()

    class Late(Handler):
        def asked(self) -> None:
            over.wait(3)
            with suppress(ConnectionError):  # the client has given up
                self.answer(200, {}, b"{}")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Late)
    with listening(server), pytest.raises(Busy):
        HttpTransport().send(Call("GET", f"http://127.0.0.1:{server.server_port}", "a token", timeout_seconds=0.2))
    over.set()
