"""A proxy before a function that is scaled to zero: it holds a request while the function starts."""

import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from tests.benchmarks.deployed import Post, Release

REQUEST_SECONDS = 60
"""Longest wait for a request."""


class Front:
    """A proxy of `submit_code` that starts a new function for each request."""

    def __init__(self, release: Release, environ: Mapping[str, str]) -> None:
        self._release, self._environ = release, environ

    def timed(self, ask: Callable[[str], float]) -> tuple[float, float]:
        """Call `ask` with a URL that is served once; return its seconds without the server's, and the server's."""
        served = list[float]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:  # noqa: N805
                begun = time.perf_counter()
                body = handler.rfile.read(int(handler.headers["Content-Length"]))
                with self._release.serving("submit_code", self._environ) as function:
                    answer = function.first_answer(Post(body, dict(handler.headers), 201))
                    served.append(time.perf_counter() - begun)
                    handler.send_response(201)
                    handler.send_header("Content-Length", str(len(answer)))
                    handler.end_headers()
                    handler.wfile.write(answer)

            def log_message(handler, *_: object) -> None:  # noqa: N805
                return

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            server.timeout = REQUEST_SECONDS
            thread = Thread(target=server.handle_request, daemon=True)
            thread.start()
            took = ask(f"submit_code=http://127.0.0.1:{server.server_port}")
            thread.join()
        (mine,) = served
        return took - mine, mine
