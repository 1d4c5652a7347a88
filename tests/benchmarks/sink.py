"""A queue that answers at once and stores nothing: `python -m tests.benchmarks.sink PORT`.

It leaves the processors to the function under test. It parses only the length of a request, which takes a tenth of the
time of an HTTP server library.
"""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3

from functions.local.dev.server import free_port
from tests.support.api import ROOT


@contextmanager
def running() -> Iterator[str]:
    """Run a sink until the block ends; yield its URL."""
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


TAKEN = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{"messageId": "1"}'
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Taking(asyncio.Protocol):
    """One connection, whose requests all have a Content-Length."""

    def __init__(self) -> None:
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request when it is complete."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n") + 4) > 3:
            length = _LENGTH.search(self._read, 0, end)
            end += int(length[1]) if length else 0
            if len(self._read) < end:
                return
            self._read = self._read[end:]
            self._transport.write(TAKEN)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Taking, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
