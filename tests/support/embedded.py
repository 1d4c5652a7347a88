"""The embedded server in a thread of the test process."""

import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn

from functions.local.apiserver import Registry, Store, create_app
from functions.local.database import connect

CRDS = Path(__file__).parents[1] / "contract" / "apiserver" / "crds"
"""Sample definitions, which try more of a schema than the project needs."""
LOG = [b"one\n", b"two\n", b"three\n"]


class SampleLogs:
    """Every pod but `silent` has a log of three lines."""

    async def open(self, namespace: str, pod: str, *, follow: bool, tail_lines: int | None) -> AsyncIterator[bytes]:
        if pod == "silent":
            raise LookupError(pod)
        for line in LOG if tail_lines is None else LOG[len(LOG) - tail_lines :]:
            yield line


@contextlib.contextmanager
def running(database: Path, crds: Path = CRDS, history: int = 5_000) -> Iterator[str]:
    """The URL of a server over this database, until the block ends."""
    app = create_app(Store(connect(database), history), Registry.load(crds), SampleLogs())
    config = uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert thread.is_alive(), "the embedded API server did not start"
        assert time.monotonic() < deadline, "the embedded API server did not start in time"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
