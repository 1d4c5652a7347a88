"""Serves a console on a loopback port by threads of this process: `orchestrator ui`, and the stack of one machine."""

import logging
import threading

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from functions.console.app import create_app
from functions.console.context import Console

HOST = "127.0.0.1"
STREAMS = 16
"""Pages of one person that are served live at a time. A browser opens at most 6 connections to a host."""


class _Handler(WSGIRequestHandler):
    """Speaks HTTP/1.1 (connections stay open) and logs only errors."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: a page that is followed makes many requests."""


class PortError(Exception):
    """The port cannot be listened on; the text says why."""


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    block_on_close = False

    def server_bind(self) -> None:
        """Bind; raise PortError in place of an OSError, for which werkzeug ends the process."""
        try:
            super().server_bind()
        except OSError as error:
            raise PortError(error.strerror) from error


class ConsoleServer:
    """A console at `url`; raises PortError if the port is in use. Port 0 takes a free one."""

    def __init__(self, console: Console, port: int = 0) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = _Server(HOST, port, create_app(console), _Handler)
        self.url = f"http://{HOST}:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="console", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def serve(self) -> None:
        """Serve until `stop`, or an interrupt of the main thread."""
        self.start()
        self._thread.join()

    def stop(self) -> None:
        """Stop serving; open streams are cut."""
        if self._thread.ident is not None:
            self._server.shutdown()
        self._server.server_close()
