"""Base of the small HTTP servers on loopback that simulate services of others."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer


class Handler(BaseHTTPRequestHandler):
    """Calls `asked` for each request of any method; it reads the body with `received` and must call `answer`.

    Connections are kept alive, and nothing is printed.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is two writes; with Nagle's algorithm the second is delayed by 40 ms

    def asked(self) -> None:
        """Answer the request in `command`, `path` and `headers`."""
        raise NotImplementedError

    do_HEAD = do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = lambda self: self.asked()  # noqa: N815

    def received(self) -> bytes:
        """Return the body of the request."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def answer(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Send an answer with its Content-Length."""
        if "Date" in headers:  # the test has its own clock
            self.send_response_only(status)
        else:
            self.send_response(status)
        for name, text in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def listening(server: BaseServer) -> Iterator[None]:
    """Serve in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
