"""The embedded server in a thread of the test process."""

import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import uvicorn

from functions.local.apiserver import Registry, Store, create_app
from functions.local.apiserver.app import utc_now
from functions.local.database import connect
from functions.local.dev.server import WatchClosingServer
from functions.local.pod_logs import PodLogs, Portion
from functions.local.runner.log_timestamps import with_timestamp

CRDS = Path(__file__).parents[1] / "contract" / "apiserver" / "crds"
"""Sample CRDs, which use more of a schema than the project's."""
WRITTEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LOG = [b"one\n", b"two\n", b"three\n"]


class SampleLogs:
    """Logs of three lines for every pod except `silent`."""

    async def open(self, namespace: str, pod: str, portion: Portion) -> AsyncIterator[bytes]:
        if pod == "silent":
            raise LookupError(pod)
        for line in LOG if portion.tail_lines is None else LOG[len(LOG) - portion.tail_lines :]:
            if not portion.since or portion.since <= WRITTEN:
                yield with_timestamp(WRITTEN, line) if portion.timestamps else line


@contextlib.contextmanager
def running(
    database: Path,
    crds: Path = CRDS,
    history: int = 5_000,
    *,
    collecting: bool = True,
    logs: PodLogs | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Iterator[str]:
    """Serve this database until the block ends, with or without a garbage collector; yield the URL."""
    store = Store(connect(database), history)
    app = create_app(store, Registry.load(crds), logs or SampleLogs(), now=now)
    lifespan: Literal["on", "off"] = "on" if collecting else "off"
    config = uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1, lifespan=lifespan)
    server = WatchClosingServer(config, store)
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
