"""What stands before a function that is scaled to zero: it starts one for a request, and holds the request for it."""

import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from tests.benchmarks.deployed import Post, Release

REQUEST_SECONDS = 60
"""How long a request is waited for."""


class Front:
    """The front of `submit_code`: each request has a function of its own, started when the request has come."""

    def __init__(self, release: Release, environ: Mapping[str, str]) -> None:
        self._release, self._environ = release, environ

    def timed(self, ask: Callable[[str], float]) -> tuple[float, float]:
        """Of the seconds that `ask`, given a URL, took: those without the server, and the server's."""
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
