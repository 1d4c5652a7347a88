"""The page on loopback that posts the manifest to GitHub, and receives the code that GitHub sends back."""

import json
import queue
import threading
from collections.abc import Mapping
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from functions.clients.github_app.registration import Registration

REQUEST_SECONDS = 10
"""The longest a client may take to send its request."""
DONE = "<!doctype html><title>Created</title><p>The App is created. Return to the terminal."


class LocalPage:
    """Serves until the block ends; only for requests to its own address, so that no other site can post to it."""

    def __init__(self, registration: Registration) -> None:
        self._registration = registration
        self._codes: queue.Queue[str] = queue.Queue()
        self._form = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """The URL of the first page."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    @property
    def redirect_url(self) -> str:
        """The URL to which GitHub redirects the browser with the code."""
        return f"{self.url}created"

    def offer(self, manifest: Mapping[str, Any]) -> None:
        """Show a form that posts this manifest."""
        self._form = (
            "<!doctype html><title>Create the GitHub App</title>"
            f'<form method="post" action="{escape(self._registration.form_url)}">'
            f'<input type="hidden" name="manifest" value="{escape(json.dumps(manifest))}">'
            f"<p>The App {escape(str(manifest['name']))} will have these permissions:"
            f"<pre>{escape(json.dumps(manifest['default_permissions'], indent=1))}</pre>"
            "<button>Create it at GitHub</button></form>"
        )

    def code(self) -> str:
        """Return the code, once GitHub has sent it."""
        return self._codes.get()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, target: str, host: str) -> tuple[int, str]:
        """Return status and page of a GET request."""
        parts, query = urlsplit(target), parse_qs(urlsplit(target).query)
        if host != f"127.0.0.1:{self._server.server_port}":
            return 403, "another host"
        if parts.path == "/":
            return 200, self._form
        if parts.path != "/created":
            return 404, "not found"
        if not query.get("code") or not self._registration.accepts(query.get("state", [""])[0]):
            return 400, "this answer does not belong to the registration: begin again"
        self._codes.put(query["code"][0])
        return 200, DONE

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        page = self

        class Handler(BaseHTTPRequestHandler):
            timeout = REQUEST_SECONDS

            def do_GET(self) -> None:
                status, text = page._answer(self.path, self.headers.get("Host", ""))
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Referrer-Policy", "no-referrer")
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing: the path has the code."""

        return Handler
