"""`github_event` is killed at any of its calls, before or after the call is executed; the queue redelivers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from functions.cluster.client import Cluster
from functions.cluster.transport import Transport
from functions.github.api.client import Github as Client
from functions.github.api.permissions import Permissions
from functions.github.api.tokens import AppKey
from functions.github.api.transport import HttpTransport
from tests.conftest import SCALE
from tests.github.clock import Clock
from tests.github.delivery_bench import DeliveryBench
from tests.support.crashing import Killed
from tests.support.github import Github

EVERY = 1 if SCALE >= 1 else 3
"""Calls from one crash to the next."""
COMMENT = "/retry use the other library\n/code 4 service=api\n/docs a b"


@dataclass
class Life:
    """The life of a process, which ends at its call `at` (0-based), before or after that call is executed."""

    at: int
    after: bool
    made: int = 0

    def call(self, inner: Any, request: Any) -> Any:
        number, self.made = self.made, self.made + 1
        if number < self.at:
            return inner.send(request)
        if number == self.at and self.after:
            inner.send(request)
        raise Killed(f"at call {number}")


@dataclass
class Mortal:
    """A transport, to GitHub or to the cluster, of a process with such a life."""

    inner: Any
    life: Life

    def send(self, request: Any) -> Any:
        return self.life.call(self.inner, request)

    def stream(self, request: Any) -> Iterator[Any]:
        raise NotImplementedError


def process(bench: DeliveryBench, life: Life) -> None:
    """Replace the function's process by a new one with that life and without caches."""
    github = bench.services.settings.github
    client = Client(github.api_url, AppKey(github.app_id, github.key), Mortal(HttpTransport(), life), bench.clock)
    cluster = Cluster(Mortal(bench.world.calls.inner, life))
    bench.services = replace(bench.services, github=client, cluster=cluster, permissions=Permissions())


def delivered(bench: DeliveryBench, life: Life) -> bool:
    """Return whether the process lived until it had acknowledged the delivery."""
    process(bench, life)
    try:
        assert bench.take(bench.queue[-1]).code == 204
    except Killed:
        return False
    return True


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_delivery_is_handled_once_after_a_crash_at_any_call(
    api: Transport, namespace: str, github: Github, clock: Clock, after: bool
) -> None:
    bench = DeliveryBench(api, namespace, github, clock)
    at, lived = 0, False
    while not lived:
        process(bench, Life(10_000, after))
        run, pull = bench.with_pull()
        payload = bench.commented(pull["number"], COMMENT)
        github.hook.deliver("issue_comment", payload)
        known = {each.uid for each in bench.runs()}
        lived = delivered(bench, Life(at, after))
        assert delivered(bench, Life(10_000, after))
        assert bench.retries(run) == 1, at
        assert len({each.uid for each in bench.runs()} - known) == 1, at
        assert len(bench.answers(pull["number"])) == 1, at
        at += EVERY
    assert at > 15
