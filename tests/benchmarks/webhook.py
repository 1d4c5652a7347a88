"""Deliveries of GitHub per second through `github_webhook`, one worker, sixteen connections.

Against an empty function that reads the same body. What the webhook publishes goes to a sink that answers at once. On
Pub/Sub there is no aim: the emulator stands for it, where it is installed, and works on the same processors.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.benchmarks import emulated, sink
from tests.benchmarks.deliveries import ALONE, delivery
from tests.benchmarks.deployed import Release
from tests.benchmarks.load import Load, send
from tests.benchmarks.rows import Aim, Row, percentile

DELIVERIES = 3_000
CONNECTIONS = 16


def rows() -> Iterator[Row]:
    """Rate and 99th percentile."""
    with tempfile.TemporaryDirectory() as name, sink.running() as queue:
        release = Release(Path(name))
        empty = _load(release, "empty", {})
        webhook = _load(release, "github_webhook", {**ALONE, "ORCHESTRATOR_QUEUES__URL": queue})
        yield Row(
            f"webhook, {CONNECTIONS} connections",
            webhook.rate,
            "deliveries/s",
            empty.rate,
            "empty function",
            Aim(0.5, at_most=False),
            "Half of what it adds to the framework is the publish to the queue, whose answer it waits for: made by "
            "the standard library's HTTP client, since no lighter one is well kept.",
        )
        slowest, fastest = (percentile(each.seconds, 0.99) * 1e3 for each in (webhook, empty))
        yield Row(f"webhook, {CONNECTIONS} connections, p99", slowest, "ms", fastest, "empty function")
        with emulated.running() as pubsub:
            if pubsub:
                published = _load(release, "github_webhook", {**ALONE, **pubsub})
                what = f"webhook, {CONNECTIONS} connections, Pub/Sub's emulator"
                yield Row(what, published.rate, "deliveries/s", empty.rate, "empty function")


def _load(release: Release, target: str, environ: Mapping[str, str]) -> Load:
    post = delivery()
    with release.serving(target, environ) as served:
        served.until_answered(post)
        send(served.port, [post], 200, CONNECTIONS)
        found = send(served.port, [post], DELIVERIES, CONNECTIONS)
    assert set(found.codes) == {200}, found.codes
    return found
