"""A server that returns scripted answers and records the requests."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

LOST = "lost"
"""The request is handled, and its answer is lost."""


@dataclass
class Scripted:
    """A server with its answers in order, each code, body and headers, or raw bytes; it records headers of requests."""

    answers: list[Any]
    asked: list[Mapping[str, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def scripted(*answers: Any) -> Iterator[Scripted]:
    found = Scripted(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            found.asked.append({name.lower(): value for name, value in self.headers.items()})
            answer = found.answers.pop(0)
            answer = answer(sent, found.asked[-1]) if callable(answer) else answer
            if answer == LOST or isinstance(answer, bytes):
                self.wfile.write(b"" if answer == LOST else answer)
                self.close_connection = True
                return
            code, body, headers = answer
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:  # as Google's metadata server
            where, _, query = self.path.partition("?")
            account = json.dumps({"email": "robot@p.example", "scopes": [], "aliases": []})
            text = (identity_token(query) if where.endswith("/identity") else account).encode()
            self.send_response(200)
            self.send_header("Metadata-Flavor", "Google")
            self.send_header("Content-Type", "text/html" if where.endswith("/identity") else "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def identity_token(query: str) -> str:
    """Return an unsigned token for the requested audience."""
    claims = {"aud": parse_qs(query)["audience"][0], "exp": 4_000_000_000}
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in ({}, claims)]
    return ".".join([*parts, "c2ln"])
