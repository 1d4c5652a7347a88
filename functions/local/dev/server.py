"""The embedded API server and queue, served on one port by a thread of this process."""

import contextlib
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from functions.local import apiserver, queue
from functions.local.apiserver.guard import LoopbackOnly
from functions.local.database import connect, readable

HOST = "127.0.0.1"
QUEUE_PATH = "/queue"


def free_port() -> int:
    """Return a port that is currently free."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def application(store: apiserver.Store, embedded_queue: queue.Queue, crds: Path, logs: apiserver.PodLogs) -> Starlette:
    """Return the application with the API server at the root and the queue, which is not started, below QUEUE_PATH."""
    api = apiserver.create_app(store, apiserver.Registry.load(crds), logs)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with api.router.lifespan_context(api):
            yield
            await embedded_queue.stop()

    return Starlette(
        routes=[Mount(QUEUE_PATH, queue.create_app(embedded_queue)), Mount("/", api)],
        lifespan=lifespan,
        middleware=[Middleware(LoopbackOnly)],
    )


class WatchClosingServer(uvicorn.Server):
    """A server that ends watches, which stay open for a long time, before it waits for requests to end."""

    def __init__(self, config: uvicorn.Config, store: apiserver.Store) -> None:
        super().__init__(config)
        self._store = store

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the watches, then shut down."""
        self._store.close()
        await super().shutdown(sockets)


class _Uvicorn(WatchClosingServer):
    """A server that starts the queue once it listens: functions that get its messages call the API server."""

    def __init__(self, config: uvicorn.Config, store: apiserver.Store, embedded_queue: queue.Queue) -> None:
        super().__init__(config, store)
        self._queue = embedded_queue

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then start the queue."""
        await super().startup(sockets)
        if self.started:
            await self._queue.start()


class Server:
    """The API server and the queue with their state in one file, served on a loopback port by a thread.

    Raises:
        StateError: the file is damaged or belongs to another program.
    """

    def __init__(
        self, database: Path, crds: Path, topology: queue.Topology, logs: apiserver.PodLogs, port: int
    ) -> None:
        with readable(database):
            store = apiserver.Store(connect(database))
            embedded_queue = queue.Queue(connect(database), topology)
            served = application(store, embedded_queue, crds, logs)
        config = uvicorn.Config(served, HOST, port, log_level="warning", timeout_graceful_shutdown=2)
        self._server = _Uvicorn(config, store, embedded_queue)
        self._thread = threading.Thread(target=self._run, name="api-server", daemon=True)
        self.url = f"http://{HOST}:{port}"

    def start(self) -> None:
        """Start the server's thread; it ends immediately if the port is in use."""
        self._thread.start()

    @property
    def serving(self) -> bool:
        """Whether the server answers requests."""
        return self._server.started

    @property
    def alive(self) -> bool:
        """Whether the thread runs; it ends immediately if the port is in use."""
        return self._thread.is_alive()

    def _run(self) -> None:
        with contextlib.suppress(SystemExit):  # raised by uvicorn if the port is in use; see `alive`
            self._server.run()

    def stop(self) -> None:
        """Stop the server, if it was started, and wait for it."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(timeout=5)
