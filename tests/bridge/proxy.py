"""A TCP proxy on loopback between the bridge and the API server, whose connections a test can cut or freeze."""

import contextlib
import socket
import threading
from collections.abc import Iterator

CHUNK = 65_536


class Proxy:
    """Forwards bytes to `target` and back; TLS passes through unchanged."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._flowing = threading.Event()
        self._flowing.set()
        self._refusing = False
        self._open: set[socket.socket] = set()
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Stop forwarding without closing connections, as with a lost route or a dead peer."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Continue to forward."""
        self._flowing.set()

    def cut(self) -> None:
        """Close every connection; new ones are accepted."""
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def refuse(self, refusing: bool) -> None:
        """Set whether new connections are closed at once, and close the present ones."""
        self._refusing = refusing
        self.cut()

    def close(self) -> None:
        """Stop listening and close every connection."""
        self._flowing.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.connections += 1
                if self._refusing:
                    near.close()
                    continue
                far = socket.create_connection(self._target)
                self._open |= {near, far}
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                self._flowing.wait()
                sink.sendall(chunk)
        for each in (source, sink):
            self._open.discard(each)
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxied(host: str, port: int) -> Iterator[Proxy]:
    """Run a proxy in front of that port until the block ends."""
    found = Proxy((host, port))
    try:
        yield found
    finally:
        found.close()
