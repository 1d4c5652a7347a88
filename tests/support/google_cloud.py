"""Simulated Google Cloud on loopback: metadata server, token service, Pub/Sub over gRPC, and a proxy.

Pub/Sub has its real host name, with a certificate that only `environ` trusts, and is reached through the proxy, so that
the deployed code uses it unchanged. It also listens without encryption, as an emulator does.
"""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.pubsub_v1.types import PublishRequest, PublishResponse, PubsubMessage

from tests.support.http_servers import Handler, listening

PUBSUB = "pubsub.googleapis.com"
HOSTS = (PUBSUB, "oauth2.googleapis.com", "cloudresourcemanager.googleapis.com")
"""Hosts of Pub/Sub, of google-auth's token endpoint, and of the project lookup for a federation file."""
METADATA = {
    "/": b"",
    "/computeMetadata/v1/project/project-id": b"proj-one",
    "/computeMetadata/v1/instance/service-accounts/default/": b'{"email": "default", "scopes": []}',
}
SECONDS = 30.0
CUT, GONE = "cut", "gone"
Answer = tuple[int, Mapping[str, Any]] | str
"""A status code and JSON; CUT for an answer that breaks off; other text for a connection closed without an answer."""


def error(code: int, status: str = "UNAVAILABLE", message: str = "in the words of Google") -> Answer:
    """Return an error answer of Google's services (Google Cloud APIs: Errors)."""
    return code, {"error": {"code": code, "message": message, "status": status}}


@dataclass(frozen=True)
class Published:
    """One publish call: topic, message, and metadata of the caller."""

    topic: str
    message: PubsubMessage
    metadata: Mapping[str, str]
    connection: str


@dataclass
class GoogleCloud:
    """State of the services; `tokens` and `publishes` are answers used one after the other, then they succeed."""

    tokens: list[Answer] = field(default_factory=list)
    publishes: list[grpc.StatusCode | Callable[[], None] | None] = field(default_factory=list)
    """Answers to publish calls: None stores the message, a status rejects it, a function is called first."""
    given: list[str] = field(default_factory=list)
    """Access tokens in the order in which they were issued."""
    published: list[Published] = field(default_factory=list)
    tunnels: list[str] = field(default_factory=list)
    """Tunnels requested from the proxy: host:port, and the caller's credentials."""
    token_seconds: float = 3600.0
    url: str = ""
    emulator: str = ""
    """host:port of Pub/Sub without encryption."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that lead a process to these services."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def token(self) -> Answer:
        """Return the next answer of the metadata server or the token service."""
        with self._lock:
            if self.tokens:
                return self.tokens.pop(0)
            self.given.append(f"secret-{len(self.given) + 1}")
            found = {"access_token": self.given[-1], "expires_in": self.token_seconds, "token_type": "Bearer"}
            return 200, found | {"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}

    def publish(self, request: PublishRequest, context: grpc.ServicerContext) -> PublishResponse:
        """Return Pub/Sub's next answer."""
        metadata = {name: str(text) for name, text in context.invocation_metadata()}
        with self._lock:
            self.published += [Published(request.topic, each, metadata, context.peer()) for each in request.messages]
            answer = self.publishes.pop(0) if self.publishes else None
        if isinstance(answer, grpc.StatusCode):
            context.abort(answer, "in the words of Google")
        elif answer:
            answer()
        return PublishResponse(message_ids=[str(len(self.published))])


class Server(ThreadingHTTPServer):
    """The metadata server and the token service."""

    daemon_threads = True
    request_queue_size = 64  # a smaller backlog delays concurrent connections by a second

    def __init__(self, cloud: GoogleCloud) -> None:
        super().__init__(("127.0.0.1", 0), MetadataHandler)
        self.cloud = cloud


class MetadataHandler(Handler):
    server: Server

    def asked(self) -> None:
        if self.command == "POST":  # credentials are exchanged for a token
            self.received()
            return self._say(self.server.cloud.token())
        return self._metadata(self.path.partition("?")[0])

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
        if isinstance(said, str):
            self.close_connection = True
        else:
            headers = {"Content-Type": "application/json", "Metadata-Flavor": "Google"}
            self.answer(said[0], headers, json.dumps(said[1]).encode())


class Proxy(ThreadingHTTPServer):
    """A proxy whose tunnels lead to `pubsub` for the host of Pub/Sub, and to one address for all others."""

    daemon_threads = True

    def __init__(self, cloud: GoogleCloud, to: tuple[str, int], pubsub: tuple[str, int] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Tunnelling)
        self.cloud, self._to, self._pubsub = cloud, to, pubsub

    def address(self, host: str) -> tuple[str, int]:
        """Return the address to which a tunnel to this host:port leads."""
        return self._pubsub if self._pubsub and host.startswith(PUBSUB) else self._to


class Tunnelling(Handler):
    server: Proxy

    def do_CONNECT(self) -> None:  # noqa: N802  (http.server names it so)
        self.server.cloud.tunnels.append(f"{self.path} {self.headers['Proxy-Authorization']}")
        self.close_connection = True
        with closing(socket.create_connection(self.server.address(self.path), SECONDS)) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_carry, args=(there, self.connection), daemon=True)
            back.start()
            _carry(self.connection, there)
            back.join(SECONDS)


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # either end may be closed
        while text := source.recv(65536):
            target.sendall(text)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def serving(folder: Path, names: Sequence[str] = HOSTS) -> Iterator[GoogleCloud]:
    """Serve until the block ends, with a certificate in `folder` for these host names."""
    cloud, pem = GoogleCloud(), certificate(folder, names)
    with ExitStack() as stack:
        server, secure, pubsub = Server(cloud), Server(cloud), _grpc_server(cloud)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(pem)
        secure.socket = tls.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
        port = pubsub.add_secure_port(
            "127.0.0.1:0", grpc.ssl_server_credentials([(pem.read_bytes(), pem.read_bytes())])
        )
        plain_port = pubsub.add_insecure_port("127.0.0.1:0")
        pubsub.start()
        stack.callback(pubsub.stop, None)
        proxy = Proxy(cloud, ("127.0.0.1", secure.server_port), ("127.0.0.1", port))
        for listener in (server, secure, proxy):
            stack.enter_context(listening(listener))
        cloud.url = f"http://127.0.0.1:{server.server_port}"
        cloud.emulator = f"127.0.0.1:{plain_port}"
        cloud.environ = {
            "GCE_METADATA_HOST": f"127.0.0.1:{server.server_port}",
            "GCE_METADATA_IP": f"127.0.0.1:{server.server_port}",
            "HTTPS_PROXY": f"http://me:s%20%40@127.0.0.1:{proxy.server_port}",
            "https_proxy": f"http://me:s%20%40@127.0.0.1:{proxy.server_port}",
            "NO_PROXY": "",
            "no_proxy": "",
            "REQUESTS_CA_BUNDLE": str(pem),
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(pem),
            "GOOGLE_APPLICATION_CREDENTIALS": "",
            "CLOUDSDK_CONFIG": str(folder),
        }
        yield cloud


def _grpc_server(cloud: GoogleCloud) -> grpc.Server:
    publish = grpc.unary_unary_rpc_method_handler(
        cloud.publish,
        request_deserializer=PublishRequest.deserialize,
        response_serializer=PublishResponse.serialize,
    )
    server = grpc.server(ThreadPoolExecutor(20), options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", {"Publish": publish})]
    )
    return server


def certificate(folder: Path, names: Sequence[str]) -> Path:
    """Return a file with a self-signed certificate, valid for a day, and its key."""
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
