"""A dead watch, a quiet one and a refused one, as the kubelet's probes see them.

watch                                         ready   live
quiet: nothing changes for a long time        yes     yes
dead: the way is frozen, nothing is closed    no      no, after `dead_after`
thawed, or given up and opened again          yes     yes
the API server is gone                        no      no, after `dead_after`
the queue hangs and does not even refuse      no      no, after `dead_after`
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
from tests.bridge.conftest import QUICK, Counted, Stand, until

PATIENT = replace(QUICK, read_timeout=3600.0)
"""Would itself never give up a watch: only its health tells."""


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
    """Of /health/ready, /health/live and /health."""
    return probe(f"{url}/ready")[0], probe(f"{url}/live")[0], probe(url)[0]


def test_a_quiet_watch_stays_alive(stand: Stand) -> None:
    counted = Counted(stand.transport())
    bridge = stand.ready_bridge(transport=counted)
    silences = []
    opened = counted.watches
    with served(bridge) as url:
        while counted.watches < opened + 3 * len(TOPIC_BY_KIND):  # each watch ended in time and began again three times
            code, body = probe(f"{url}/live")
            silences += [each["silentSeconds"] for each in body["watches"].values()]
            assert code == 200, body
            time.sleep(0.02)  # a probe is cheap, and not free
        assert codes(url) == (200, 200, 200)
    assert stand.queue.events == []
    assert max(silences) > 0.2, "nothing was heard for a while"


def test_a_dead_watch_does_not_hide_behind_a_healthy_health(stand: Stand) -> None:
    bridge = stand.ready_bridge(replace(PATIENT, watch_timeout=3600, dead_after=1.5))
    with served(bridge) as url:
        assert codes(url) == (200, 200, 200)
        stand.network.freeze()
        until(lambda: probe(f"{url}/live")[0] == 503, "the first of them is dead")
        until(lambda: not any(each["live"] for each in probe(url)[1]["watches"].values()), "each of them")
        code, body = probe(url)
        assert (code, body["status"]) == (503, "failing")
        assert all(each["silentSeconds"] >= 1.5 for each in body["watches"].values())


def test_a_watch_that_fell_silent_is_given_up_and_opened_again(stand: Stand) -> None:
    stand.create("before")
    bridge = stand.ready_bridge(
        replace(QUICK, watch_timeout=3600, read_timeout=1.0), transport=stand.transport(timeout=1)
    )
    stand.network.freeze()
    until(lambda: not bridge.ready, "it is given up")
    stand.touch("before")
    stand.create("after")
    stand.network.thaw()
    until(lambda: {"after"} <= stand.queue.names() and "before" in stand.queue.names("update"), "what was missed")
    until(lambda: bridge.ready, "ready again")


def test_an_api_server_that_is_gone_for_long_makes_it_dead(embedded_stand: Stand) -> None:
    bridge = embedded_stand.ready_bridge(replace(QUICK, dead_after=1.5))
    embedded_stand.network.refuse(True)
    with served(bridge) as url:
        until(lambda: codes(url) == (503, 503, 503), "dead")
        assert "Unavailable" in probe(url)[1]["watches"]["coderuns"]["trouble"]["cluster"]
        embedded_stand.network.refuse(False)
        until(lambda: codes(url) == (200, 200, 200), "alive again")


def test_a_queue_that_hangs_makes_it_dead_and_one_that_refuses_does_not(embedded_stand: Stand) -> None:
    stand = embedded_stand
    bridge = stand.ready_bridge(replace(QUICK, dead_after=1.5), topics={CODE_RUN: "runs"})
    with served(bridge) as url:
        stand.queue.refuse(True)
        stand.create(*[f"r{number}" for number in range(10)])
        until(lambda: stand.queue.refusals > 20, "refused, longer than a dead watch may be silent")
        assert codes(url) == (503, 200, 503)
        stand.queue.hold()
        stand.queue.refuse(False)
        until(lambda: codes(url) == (503, 503, 503), "dead")
        stand.queue.allow()
        until(lambda: codes(url) == (200, 200, 200), "alive again")


@pytest.mark.parametrize("path", ["/", "/healthy", "/health/"])
def test_other_paths_are_not_found(embedded_stand: Stand, path: str) -> None:
    with served(embedded_stand.bridge()) as url:
        answer = urllib3.request("GET", url.removesuffix("/health") + path, retries=False, timeout=10)
        assert answer.status == 404
