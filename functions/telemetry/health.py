"""The health of a process that is not a function (bridge, dispatcher) over HTTP, for the kubelet and for people.

    GET /health/ready   200 if it does all its work now, else 503
    GET /health/live    200 if no part of it is dead, else 503
    GET /health         200 if both

Each answers with the same JSON, with an entry for each part: {status, version, revision, watches: {coderuns: {ready,
...}}} for the bridge, {status, version, revision, subscriptions: {runs-reconcile: {ready, ...}}} for the dispatcher.
"""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from functions import __revision__, __version__

REQUEST_SECONDS = 10
"""The longest a client may take to send its request."""


class Healthy(Protocol):
    """A process that knows its own health."""

    @property
    def ready(self) -> bool:
        """Whether it does all its work now."""
        ...

    @property
    def live(self) -> bool:
        """Whether no part of it is dead."""
        ...

    def report(self) -> Mapping[str, Any]:
        """Return the state of each part, by name."""
        ...


class HealthServer:
    """Answers on `host`:`port` (0: a free one) as soon as it is created; raises OSError if it cannot listen.

    `parts` is the key of the report in the answers.
    """

    def __init__(self, process: Healthy, host: str, port: int, parts: str) -> None:
        self._server = ThreadingHTTPServer((host, port), _handler(process, parts))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def _handler(process: Healthy, parts: str) -> type[BaseHTTPRequestHandler]:
    checks = {
        "/health/ready": lambda: process.ready,
        "/health/live": lambda: process.live,
        "/health": lambda: process.ready and process.live,
    }

    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS

        def do_GET(self) -> None:
            check = checks.get(self.path.partition("?")[0])
            if not check:
                self.send_error(404)
                return
            healthy = check()
            said = {"status": "ok" if healthy else "failing", "version": __version__, "revision": __revision__}
            body = json.dumps({**said, parts: process.report()}).encode()
            self.send_response(200 if healthy else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: probes come every few seconds."""

    return Handler
