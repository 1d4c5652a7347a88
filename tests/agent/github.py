"""A small GitHub on loopback, as a GitHub Enterprise Server: its REST API and its repositories, over real HTTPS.

The API makes installation tokens for an App whose key it checks; git's own `http-backend` serves the repositories to
whoever has such a token, within what that token may do. Both can be told to refuse. What was asked is kept.
"""

import base64
import json
import os
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Answer = tuple[int, Any]


@dataclass
class Token:
    """An installation token: for which repositories, to do what."""

    text: str
    repositories: list[str]
    permissions: dict[str, str]
    live: bool = True


@dataclass
class Github:
    """What it knows, what it was asked, and how it is to answer."""

    directory: Path
    repositories: Path
    app_id: str = "12345"
    installed: dict[str, int] = field(default_factory=lambda: {"acme/shop": 77, "acme/platform": 77})
    lifetime: timedelta = timedelta(hours=1)
    refusal: dict[str, Answer] = field(default_factory=dict)
    """By `METHOD path`, an answer instead of the right one."""
    tokens: list[Token] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def private_key(self) -> str:
        kind = serialization.PrivateFormat.TraditionalOpenSSL
        return self._key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()

    @property
    def certificate(self) -> Path:
        return self.directory / "certificate.pem"

    def give(self, text: str, *repositories: str) -> None:
        """A token of somebody's, made elsewhere."""
        self.tokens.append(Token(text, list(repositories), {"contents": "write", "pull_requests": "write"}))

    def token(self, text: str) -> Token | None:
        return next((token for token in self.tokens if token.text == text and token.live), None)

    def answer(self, method: str, path: str, bearer: str, body: Any) -> Answer:
        """The REST API."""
        url = urlsplit(path)
        where = f"{method} {url.path}"
        self.asked.append(where)
        if where in self.refusal:
            return self.refusal[where]
        if found := re.fullmatch(r"GET /repos/(.+)/installation", where):
            return self._installation(bearer, found[1])
        if found := re.fullmatch(r"POST /app/installations/(\d+)/access_tokens", where):
            return self._make_token(bearer, body)
        if found := re.fullmatch(r"(GET|POST) /repos/(.+)/pulls", where):
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            return self._pulls(bearer, found[2], query, body)
        return 404, {"message": "Not Found"}

    def _is_app(self, jwt: str) -> bool:
        head, claims, signature = jwt.split(".")
        decode = lambda part: base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))  # noqa: E731
        self._key.public_key().verify(
            decode(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        told, now = json.loads(decode(claims)), datetime.now(UTC).timestamp()
        return bool(told["iss"] == self.app_id and told["iat"] <= now < told["exp"] <= now + 600)

    def _installation(self, jwt: str, repository: str) -> Answer:
        if not self._is_app(jwt):
            return 401, {"message": "A JSON web token could not be decoded"}
        if repository not in self.installed:
            return 404, {"message": "Not Found"}
        return 200, {"id": self.installed[repository]}

    def _make_token(self, jwt: str, body: Any) -> Answer:
        assert self._is_app(jwt)
        made = Token(f"ghs_{os.urandom(18).hex()}", body["repositories"], body["permissions"])
        self.tokens.append(made)
        return 201, {"token": made.text, "expires_at": (datetime.now(UTC) + self.lifetime).isoformat()}

    def _pulls(self, bearer: str, repository: str, query: dict[str, str], body: Any) -> Answer:
        token = self.token(bearer)
        if not token or repository.split("/")[1] not in token.repositories:
            return 401, {"message": "Bad credentials"}
        if body is None:
            return 200, [each for each in self.pulls if query.items() <= each["query"].items()]
        owner = repository.split("/")[0]
        wanted = {"state": "open", "head": f"{owner}:{body['head']}", "base": body["base"]}
        if any(wanted.items() <= each["query"].items() for each in self.pulls):
            return 422, {"message": "Validation Failed", "errors": [{"message": "A pull request already exists"}]}
        return 201, self.open(repository, body["head"], body["base"], body)

    def open(self, repository: str, head: str, base: str, body: Any = None) -> dict[str, Any]:
        """A pull request, opened by whomever."""
        number = len(self.pulls) + 1
        query = {"state": "open", "head": f"{repository.split('/')[0]}:{head}", "base": base}
        url = f"https://{self.host}/{repository}/pull/{number}"
        self.pulls.append({"number": number, "html_url": url, "query": query, "body": body})
        return self.pulls[-1]

    def may(self, authorization: str, repository: str, service: str) -> bool:
        """Whether git may go on with these credentials."""
        if not authorization.startswith("Basic "):
            return False
        user, _, password = base64.b64decode(authorization[6:]).decode().partition(":")
        token = self.token(password)
        if not token or user != "x-access-token" or repository not in token.repositories:
            return False
        return service == "git-upload-pack" or token.permissions["contents"] == "write"


@contextmanager
def serving(github: Github) -> Iterator[Github]:
    """`github` at its port, until the end of the block."""
    _make_certificate(github.directory)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(github))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(github.certificate, github.directory / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    github.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _make_certificate(directory: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(directory / "key.pem"), "-out", str(directory / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True)


def _handler(github: Github) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve(None)

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers["Content-Length"])))

        def _serve(self, body: bytes | None) -> None:
            authorization = self.headers.get("Authorization", "")
            if self.path.startswith("/api/v3/"):
                bearer = authorization.removeprefix("Bearer ")
                given = None if body is None else json.loads(body)
                status, answer = github.answer(self.command, self.path.removeprefix("/api/v3"), bearer, given)
                self._send(status, {"Content-Type": "application/json"}, json.dumps(answer).encode())
            else:
                self._git(authorization, body or b"")

        def _git(self, authorization: str, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            found = re.fullmatch(r"/acme/([\w.-]+?)(?:\.git)?(/.*)", path)
            assert found, path
            service = query.removeprefix("service=") or path.rsplit("/", 1)[-1]
            if not github.may(authorization, found[1], service):
                status = 403 if github.may(authorization, found[1], "git-upload-pack") else 401
                self._send(status, {"WWW-Authenticate": 'Basic realm="GitHub"'}, b"")
                return
            environ = {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(github.repositories),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": f"/{found[1]}{found[2]}",
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REMOTE_USER": "app",
                "REMOTE_ADDR": "127.0.0.1",
            }
            done = subprocess.run(["git", "http-backend"], input=body, env=environ, capture_output=True, check=True)
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self._send(int(headers.pop("Status", "200").split()[0]), headers, content)

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler
