"""The bridge's health over HTTP, for the kubelet's probes and for people.

    GET /health/ready   200 if every change of every kind reaches the queue now, else 503
    GET /health/live    200 if no watch is dead, else 503
    GET /health         200 if both

Each answers with the same JSON, one entry for each kind:
{status, version, revision,
 watches: {coderuns: {ready, live, silentSeconds, listed, published, trouble: {cluster, queue}}}}.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from functions import __revision__, __version__
from functions.bridge.bridge import Bridge

REQUEST_SECONDS = 10
"""The longest a client may take to send its request."""


class HealthServer:
    """Answers on `host`:`port` (0: a free one) as soon as it is created; raises OSError if it cannot listen."""

    def __init__(self, bridge: Bridge, host: str, port: int) -> None:
        self._server = ThreadingHTTPServer((host, port), _handler(bridge))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def _handler(bridge: Bridge) -> type[BaseHTTPRequestHandler]:
    checks = {
        "/health/ready": lambda: bridge.ready,
        "/health/live": lambda: bridge.live,
        "/health": lambda: bridge.ready and bridge.live,
    }

    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS

        def do_GET(self) -> None:
            check = checks.get(self.path.partition("?")[0])
            if not check:
                self.send_error(404)
                return
            healthy = check()
            status = {"status": "ok" if healthy else "failing", "version": __version__, "revision": __revision__}
            body = json.dumps({**status, "watches": bridge.report()}).encode()
            self.send_response(200 if healthy else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: probes come every few seconds."""

    return Handler
