"""Google Cloud as a function meets it, on loopback: metadata server, Pub/Sub by REST, and a proxy that leads to it.

Its Pub/Sub has the certificate of the real one, from an authority that only `environ` knows; the proxy takes whoever
asks for any host there. So the deployed code reaches it under its own URL.
"""

import json
import socket
import ssl
import threading
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.http_servers import Handler, listening

PUBSUB = "pubsub.googleapis.com"
METADATA = {
    "/": b"",
    "/computeMetadata/v1/project/project-id": b"proj-one",
    "/computeMetadata/v1/instance/service-accounts/default/": b'{"email": "default", "scopes": []}',
}
SECONDS = 30.0
CUT, GONE, SILENT = "cut", "gone", "silent"
Answer = tuple[int, Mapping[str, Any]] | str
"""A code and JSON; or one that breaks off, a connection that ends without one, or one that never comes."""


def error(code: int, status: str = "UNAVAILABLE", message: str = "in the words of Google") -> Answer:
    """What Google's services answer (Google Cloud APIs: Errors)."""
    return code, {"error": {"code": code, "message": message, "status": status}}


@dataclass(frozen=True)
class Published:
    """One call of publish: its message decoded, and on which connection it came."""

    path: str
    authorization: str | None
    data: bytes
    message: Mapping[str, Any]
    connection: object = field(repr=False)


@dataclass
class GoogleCloud:
    """Answers as a test says, and by default as it should; `tokens` and `publishes` are taken in turn."""

    tokens: list[Answer] = field(default_factory=list)
    publishes: list[Answer] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    """Access tokens, in the order in which they were given out."""
    published: list[Published] = field(default_factory=list)
    tunnels: list[str] = field(default_factory=list)
    """What the proxy was asked for: host:port, and what it was told of who asks."""
    token_seconds: float = 3600.0
    url: str = ""
    secure_url: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    """With which a process finds it in place of the real one."""
    ended: threading.Event = field(default_factory=threading.Event)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def token(self) -> Answer:
        """The metadata server's next answer."""
        with self._turn:
            if self.tokens:
                return self.tokens.pop(0)
            self.given.append(f"secret-{len(self.given) + 1}")
            return 200, {"access_token": self.given[-1], "expires_in": self.token_seconds, "token_type": "Bearer"}

    def publish(self, call: Published) -> Answer:
        """Pub/Sub's next answer."""
        with self._turn:
            self.published.append(call)
            return self.publishes.pop(0) if self.publishes else (200, {"messageIds": [str(len(self.published))]})


class Server(ThreadingHTTPServer):
    """The metadata server and Pub/Sub: told apart by what they are asked."""

    daemon_threads = True
    request_queue_size = 64  # else who connects with others waits for a second

    def __init__(self, cloud: GoogleCloud) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.cloud = cloud

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who is not trusted is told so by whoever does not; here nothing is said."""


class Asked(Handler):
    server: Server

    def asked(self) -> None:
        if self.command == "GET":
            self._metadata(self.path.partition("?")[0])
        elif not self.path.endswith(":publish"):  # who has a key gets a token too
            self.received()
            self._say(self.server.cloud.token())
        else:
            message = json.loads(self.received())["messages"][0]
            data = b64decode(message.pop("data"), validate=True)
            told = Published(self.path, self.headers["Authorization"], data, message, self.connection)
            self._say(self.server.cloud.publish(told))

    def _metadata(self, path: str) -> None:
        """Answer as the metadata server (Compute Engine: About VM metadata)."""
        if self.headers["Metadata-Flavor"] != "Google":
            self._say(error(403))
        elif path.endswith("service-accounts/default/token"):
            self._say(self.server.cloud.token())
        else:
            found = METADATA.get(path)
            code, body = (404, b"") if found is None else (200, found)
            self.answer(code, {"Content-Type": "application/json", "Metadata-Flavor": "Google"}, body)

    def _say(self, said: Answer) -> None:
        if said == CUT:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
        elif said == SILENT:
            self.server.cloud.ended.wait(SECONDS)
        if isinstance(said, str):
            self.close_connection = True
        else:
            self.answer(said[0], {"Content-Type": "application/json"}, json.dumps(said[1]).encode())


class Proxy(ThreadingHTTPServer):
    """Tunnels to one place, whatever it is asked for."""

    daemon_threads = True

    def __init__(self, cloud: GoogleCloud, to: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), Tunnelling)
        self.cloud, self.to = cloud, to


class Tunnelling(Handler):
    server: Proxy

    def do_CONNECT(self) -> None:  # noqa: N802  (http.server names it so)
        self.server.cloud.tunnels.append(f"{self.path} {self.headers['Proxy-Authorization']}")
        self.close_connection = True
        with closing(socket.create_connection(self.server.to, SECONDS)) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_carry, args=(there, self.connection), daemon=True)
            back.start()
            _carry(self.connection, there)
            back.join(SECONDS)


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # either end may be gone
        while text := source.recv(65536):
            target.sendall(text)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def serving(folder: Path, names: Sequence[str] = (PUBSUB,)) -> Iterator[GoogleCloud]:
    """It, until the block ends; its certificate, which is for these hosts, is kept in `folder`."""
    cloud, tls = GoogleCloud(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(folder, names))
    with ExitStack() as stack:
        plain, secure = Server(cloud), Server(cloud)
        secure.socket = tls.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
        proxy = Proxy(cloud, ("127.0.0.1", secure.server_port))
        for server in (plain, secure, proxy):
            stack.enter_context(listening(server))
        stack.callback(cloud.ended.set)
        cloud.url = f"http://127.0.0.1:{plain.server_port}"
        cloud.secure_url = f"https://127.0.0.1:{secure.server_port}"
        cloud.environ = {
            "GCE_METADATA_HOST": f"127.0.0.1:{plain.server_port}",
            "GCE_METADATA_IP": f"127.0.0.1:{plain.server_port}",
            "HTTPS_PROXY": f"http://me:s%20%40@127.0.0.1:{proxy.server_port}",
            "NO_PROXY": "",
            "SSL_CERT_FILE": str(folder / "certificate.pem"),
            "REQUESTS_CA_BUNDLE": str(folder / "certificate.pem"),
            "GOOGLE_APPLICATION_CREDENTIALS": "",
            "CLOUDSDK_CONFIG": str(folder),
        }
        yield cloud


def certificate(folder: Path, names: Sequence[str]) -> Path:
    """A file with a certificate that vouches for itself, for a day, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "of a test")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / "certificate.pem"
    file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem))
    return file
