"""The deployed function, served by functions-framework, answers pages while the maximum of viewers stream."""

import os
from pathlib import Path

import urllib3

from functions.local.dev.function_processes import Child
from functions.local.dev.server import free_port
from tests.clients.conftest import served
from tests.console.conftest import SECONDS
from tests.console.population import running
from tests.console.world import World


def test_pages_are_answered_while_half_of_the_threads_stream(world: World, tmp_path: Path) -> None:
    running(world)
    settings = {
        "ORCHESTRATOR_NAMESPACE": world.namespace,
        "ORCHESTRATOR_AGENT__IMAGE": "local",
        "ORCHESTRATOR_BROKER__IMAGE": "local",
        "ORCHESTRATOR_CLUSTER__KUBECONFIG": str(world.api.kubeconfig),
        "THREADS": "4",
    }
    child = Child("console", free_port(), {**os.environ, **settings}, tmp_path / "log")
    with served(child) as urls:
        pool, url = urllib3.PoolManager(maxsize=8, retries=False, timeout=SECONDS), urls["console"]
        streams = [pool.request("GET", f"{url}/stream", preload_content=False) for _ in range(2)]
        lines = [iter(each) for each in streams]
        assert [next(each) for each in lines] == [b"retry: 1000\n"] * 2
        assert pool.request("GET", f"{url}/stream").status == 429
        page = pool.request("GET", f"{url}/runs/code/inventory-7")
        assert (page.status, b"Two tests fail" in page.data, b'method="post"' in page.data) == (200, True, False)
        world.put("new")
        assert any(b"changed" in line for line in lines[0])
        for each in streams:
            each.release_conn()
