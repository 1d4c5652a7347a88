"""Stands where a queue would be and answers at once: `python -m tests.benchmarks.sink PORT`.

What is measured against it is a function's own work, and not that of a queue on the same two cores.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3
from aiohttp import web

from functions.local.dev.server import free_port
from tests.support.api import ROOT


@contextmanager
def running() -> Iterator[str]:
    """Its URL, until the block ends."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.sink", str(port)], cwd=ROOT)
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + 20
    try:
        while not _answers(url):
            assert process.poll() is None, "the sink ended"
            assert time.monotonic() < end, "the sink did not start"
            time.sleep(0.02)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str) -> bool:
    try:
        return urllib3.request("POST", f"{url}/topics/none", timeout=30, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


async def _take(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response({"messageId": "1"})


if __name__ == "__main__":
    application = web.Application()
    application.router.add_post("/topics/{topic}", _take)
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
