"""A function served from the built image, as a platform starts it."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import urllib3

from functions.local.dev.server import free_port
from tests.support.images import Image

COMMAND = ["functions-framework", "--source", "/opt/orchestrator/functions/main.py"]
START_SECONDS = 100.0


@contextlib.contextmanager
def serving(image: Image, target: str, environ: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Start a function and yield its URL until the block ends; it sees `folder`, which gets its log."""
    port = free_port()
    given = {"FUNCTION_TARGET": target, "PORT": str(port), "HOST": "127.0.0.1", **environ}
    log = folder / f"{target}.log"
    with log.open("wb") as output:
        process = image.start(COMMAND, environ=given, shown=[folder], stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(f"{url}/health", log)
            yield url
        finally:
            process.kill()
            process.wait(30)


def _wait(url: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            answer = urllib3.request("GET", url, retries=False, timeout=30)
            assert answer.status == 200, log.read_text()
            return
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
