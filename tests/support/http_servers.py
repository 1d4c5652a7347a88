"""Small HTTP servers on loopback that play what others run: what each of them needs to listen and to answer."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer


class Handler(BaseHTTPRequestHandler):
    """A request, whatever its method, is one call of `asked`, which reads what was `received` and is to `answer`.

    It keeps the connection, and prints nothing.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is two writes: else a client waits 40 ms for the second one

    def asked(self) -> None:
        """Answers. `command`, `path` and `headers` are those of the request."""
        raise NotImplementedError

    do_HEAD = do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = lambda self: self.asked()  # noqa: N815

    def received(self) -> bytes:
        """The body of the request."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def answer(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Sends it, with its length."""
        if "Date" in headers:  # a clock of the test's own
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
    """The server answers in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
