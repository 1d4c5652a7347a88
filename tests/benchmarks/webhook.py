"""Deliveries of GitHub per second through `github_webhook`: one worker, sixteen connections.

The baseline is a bare function that verifies the signature and publishes the delivery. The queue is a sink that answers
at once. There is no aim for Pub/Sub, because its emulator works on the same processors.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from tests.benchmarks import emulated, sink
from tests.benchmarks.baselines import bare_webhook
from tests.benchmarks.deliveries import ALONE, delivery
from tests.benchmarks.deployed import Release, Served
from tests.benchmarks.load import Load, send
from tests.benchmarks.rows import Aim, Row, percentile

DELIVERIES = 3_000
CONNECTIONS = 16


def rows() -> Iterator[Row]:
    """Yield rows of the rate and the 99th percentile, then of the rate on Pub/Sub."""
    with tempfile.TemporaryDirectory() as name, sink.running() as url:
        release, queue = Release(Path(name)), {"ORCHESTRATOR_QUEUES__URL": url}
        empty = _load(release.serving_bare("empty", {}))
        ours, bare = _loads(release, queue)
        rates = ours.rate, "deliveries/s", bare.rate, "bare function"
        yield Row(f"webhook, {CONNECTIONS} connections", *rates, Aim(0.7, at_most=False), empty=empty.rate)
        slow, fast, least = (percentile(each.seconds, 0.99) * 1e3 for each in (ours, bare, empty))
        yield Row(f"webhook, {CONNECTIONS} connections, p99", slow, "ms", fast, "bare function", empty=least)
        with emulated.running() as pubsub:
            if pubsub:
                ours, bare = _loads(release, pubsub)
                what = f"webhook, {CONNECTIONS} connections, Pub/Sub's emulator"
                yield Row(what, ours.rate, "deliveries/s", bare.rate, "bare function", empty=empty.rate)


def _loads(release: Release, queue: Mapping[str, str]) -> tuple[Load, Load]:
    """Return the loads of the function and of the bare one."""
    ours = _load(release.serving("github_webhook", {**ALONE, **queue}))
    return ours, _load(release.serving_bare("github_webhook", bare_webhook(queue)))


def _load(serving: AbstractContextManager[Served]) -> Load:
    post = delivery()
    with serving as served:
        served.until_answered(post)
        send(served.port, [post], 200, CONNECTIONS)
        found = send(served.port, [post], DELIVERIES, CONNECTIONS)
    assert set(found.codes) == {200}, found.codes
    return found
