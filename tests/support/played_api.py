"""An API server on loopback, with or without TLS, that answers `{}` and records its requests.

It is also a proxy: a request for another host has that host in its path.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.google_cloud import certificate
from tests.support.http_servers import Handler, listening

NAME = "api.test"
"""Host name in the certificate."""


@dataclass
class PlayedApi:
    """Recorded requests: paths, `Authorization` headers, and names in client certificates (empty: none)."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    client_names: list[str] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: PlayedApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing when a client aborts its handshake."""


class _Handler(Handler):
    server: _Server

    def asked(self) -> None:
        self.received()
        api = self.server.api
        api.paths.append(self.path)
        api.authorizations.append(self.headers["Authorization"])
        if isinstance(self.connection, ssl.SSLSocket):
            presented: Any = self.connection.getpeercert()
            api.client_names.append(presented["subject"][0][0][1] if presented else "")
        self.answer(200, {"Content-Type": "application/json"}, b"{}")


@contextmanager
def serving(folder: Path | None = None, clients: ssl.VerifyMode = ssl.CERT_REQUIRED) -> Iterator[PlayedApi]:
    """Serve until the block ends; with a folder, over TLS.

    Server and client share the folder's `certificate.pem`; `clients` says whether a client certificate is required.
    """
    api = PlayedApi()
    server = _Server(api)
    if folder:
        file = certificate(folder, [NAME, "localhost"])
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=file)
        tls.verify_mode = clients
        tls.load_cert_chain(file)
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with listening(server):
        api.url = f"{'https' if folder else 'http'}://127.0.0.1:{server.server_port}"
        yield api
