"""The health endpoints of the bridge, as the kubelet's probes read them.

situation                                           ready   live
no changes for a long time                          yes     yes
connections are frozen, but not closed              no      no, after `dead_after`
connections work again, or the watch is reopened    yes     yes
the API server is stopped                           no      no, after `dead_after`
the queue hangs                                     no      no, after `dead_after`
the queue refuses events                            no      yes
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import urllib3

from functions.bridge.bridge import TOPIC_BY_KIND, Bridge
from functions.cluster.kinds import CODE_RUN
from functions.telemetry.health import HealthServer
from tests.bridge.conftest import QUICK, Bench, Counted, until

PATIENT = replace(QUICK, read_timeout=3600.0)
"""Timing of a bridge that never times out a watch: only its health shows a dead one."""


@contextmanager
def served(bridge: Bridge) -> Iterator[str]:
    server = HealthServer(bridge, "127.0.0.1", 0, "watches")
    try:
        yield f"http://127.0.0.1:{server.port}/health"
    finally:
        server.stop()


def probe(url: str) -> tuple[int, Any]:
    answer = urllib3.request("GET", url, retries=False, timeout=10)
    return answer.status, json.loads(answer.data)


def codes(url: str) -> tuple[int, int, int]:
    """Return the status codes of /health/ready, /health/live and /health."""
    return probe(f"{url}/ready")[0], probe(f"{url}/live")[0], probe(url)[0]


def test_quiet_watch_stays_live(bench: Bench) -> None:
    counted = Counted(bench.transport())
    bridge = bench.ready_bridge(transport=counted)
    silences = []
    opened = counted.watches
    with served(bridge) as url:
        while counted.watches < opened + 3 * len(
            TOPIC_BY_KIND
        ):  # each watch ends at its timeout and is reopened three times
            code, body = probe(f"{url}/live")
            silences += [each["silentSeconds"] for each in body["watches"].values()]
            assert code == 200, body
            time.sleep(0.02)  # probes are cheap, but not free
        assert codes(url) == (200, 200, 200)
    assert bench.queue.events == []
    assert max(silences) > 0.2, "watches were silent for a while"


def test_dead_watch_makes_health_fail(bench: Bench) -> None:
    bridge = bench.ready_bridge(replace(PATIENT, watch_timeout=3600, dead_after=1.5))
    with served(bridge) as url:
        assert codes(url) == (200, 200, 200)
        bench.network.freeze()
        until(lambda: probe(f"{url}/live")[0] == 503, "the first of them is dead")
        until(lambda: not any(each["live"] for each in probe(url)[1]["watches"].values()), "each of them")
        code, body = probe(url)
        assert (code, body["status"]) == (503, "failing")
        assert all(each["silentSeconds"] >= 1.5 for each in body["watches"].values())


def test_silent_watch_times_out_and_is_reopened(bench: Bench) -> None:
    bench.create("before")
    bridge = bench.ready_bridge(
        replace(QUICK, watch_timeout=3600, read_timeout=1.0), transport=bench.transport(timeout=1)
    )
    bench.network.freeze()
    until(lambda: not bridge.ready, "it is given up")
    bench.touch("before")
    bench.create("after")
    bench.network.thaw()
    until(lambda: {"after"} <= bench.queue.names() and "before" in bench.queue.names("update"), "what was missed")
    until(lambda: bridge.ready, "ready again")


def test_bridge_is_not_live_while_the_api_server_is_stopped_for_long(embedded_bench: Bench) -> None:
    bridge = embedded_bench.ready_bridge(replace(QUICK, dead_after=1.5))
    embedded_bench.network.refuse(True)
    with served(bridge) as url:
        until(lambda: codes(url) == (503, 503, 503), "dead")
        assert "Unavailable" in probe(url)[1]["watches"]["coderuns"]["trouble"]["cluster"]
        embedded_bench.network.refuse(False)
        until(lambda: codes(url) == (200, 200, 200), "alive again")


def test_bridge_is_live_while_the_queue_refuses_and_not_while_it_hangs(embedded_bench: Bench) -> None:
    bench = embedded_bench
    bridge = bench.ready_bridge(replace(QUICK, dead_after=1.5), topics={CODE_RUN: "runs"})
    with served(bridge) as url:
        bench.queue.refuse(True)
        bench.create(*[f"r{number}" for number in range(10)])
        until(lambda: bench.queue.refusals > 20, "refused, longer than a dead watch may be silent")
        assert codes(url) == (503, 200, 503)
        bench.queue.hold()
        bench.queue.refuse(False)
        until(lambda: codes(url) == (503, 503, 503), "dead")
        bench.queue.allow()
        until(lambda: codes(url) == (200, 200, 200), "alive again")


@pytest.mark.parametrize("path", ["/", "/healthy", "/health/"])
def test_other_paths_are_not_found(embedded_bench: Bench, path: str) -> None:
    with served(embedded_bench.bridge()) as url:
        answer = urllib3.request("GET", url.removesuffix("/health") + path, retries=False, timeout=10)
        assert answer.status == 404
