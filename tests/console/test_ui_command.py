"""`orchestrator ui`: a console with the caller's own rights, at the address it prints."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import urllib3

from tests.clients.in_process_cli import command
from tests.console.conftest import SECONDS
from tests.console.world import World
from tests.support.api import ROOT


@contextlib.contextmanager
def serving(world: World, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command as a process; yield it and the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "functions.clients", "ui", *options],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(world.api.kubeconfig),
            "ORCHESTRATOR_NAMESPACE": world.namespace,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stdout
        yield process, process.stdout.readline().strip()
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()


def test_the_ui_command_serves_runs_until_ctrl_c(world: World) -> None:
    world.put("api-1")
    with serving(world, "--port", "0") as (process, url):
        page = urllib3.request("GET", url, retries=False, timeout=SECONDS)
        assert (page.status, b"Task 3 of api" in page.data) == (200, True)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SECONDS)
        assert (process.returncode, err) == (130, f"runs of namespace {world.namespace}; Ctrl-C ends it\n")


def test_the_ui_command_names_a_port_in_use(world: World) -> None:
    port = world.console().rpartition(":")[2]
    done = command("ui", "--port", port, "--no-browser", KUBECONFIG=str(world.api.kubeconfig))
    assert (done.code, f"cannot listen on port {port}" in done.err) == (1, True)


def test_a_number_that_is_no_port_is_refused() -> None:
    for serving_command in ("ui", "watch", "dispatch"):
        for port in ("-1", "65536"):
            refused = command(serving_command, "--port", port)
            assert (refused.code, f"'--port': {port} is not in the range" in refused.err) == (2, True)
