"""A plain HTTP client for either server, without retries or conversion of answers."""

import http.client
import json
import re
import select
import ssl
import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

Obj = dict[str, Any]

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PATIENCE_SECONDS = 30
_kept = threading.local()
"""Open connections of this thread by URL."""


@dataclass(frozen=True)
class Answer:
    """One response."""

    code: int
    text: str
    headers: http.client.HTTPMessage

    @property
    def body(self) -> Obj:
        parsed: Obj = json.loads(self.text)
        return parsed

    @property
    def reason(self) -> str:
        return str(self.body.get("reason", ""))

    @property
    def message(self) -> str:
        return str(self.body["message"])

    def causes(self) -> set[tuple[str, str]]:
        """Return field and message of each cause, without indexes of array items (old servers omit them)."""
        found = self.body.get("details", {}).get("causes", [])
        return {(_plain(cause["field"]), _plain(cause["message"])) for cause in found}


def _plain(text: str) -> str:
    return re.sub(r"\[\d+\]", "", text)


def _is_over(connection: http.client.HTTPConnection) -> bool:
    """Return whether the server has closed the connection: between two requests, only that makes it readable."""
    return connection.sock is not None and bool(select.select([connection.sock], [], [], 0)[0])


@dataclass(frozen=True)
class Server:
    """A server under test."""

    name: str
    url: str
    token: str = ""
    certificate: Path | None = None
    kubeconfig: Path | None = None
    etcd: str = ""
    """URL of the real server's store; empty if it cannot be reached."""

    @property
    def embedded(self) -> bool:
        return self.name == "embedded"

    def call(self, method: str, path: str, body: Any = None, media: str = "application/json", **headers: str) -> Answer:
        """Send a request and return the answer. `body` is bytes, or a value that is sent as JSON."""
        with self._connection_kept() if self.certificate else closing(self._connection()) as connection:
            return self._send(connection, method, path, body, media, headers)

    def get(self, path: str, **query: Any) -> Answer:
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Any) -> Answer:
        return self.call("POST", path, body)

    def put(self, path: str, body: Any) -> Answer:
        return self.call("PUT", path, body)

    def patch(self, path: str, body: Any, media: str = MERGE) -> Answer:
        return self.call("PATCH", path, body, media)

    def delete(self, path: str, body: Any = None) -> Answer:
        return self.call("DELETE", path, body)

    def watch(self, path: str, seconds: int = 1, **query: Any) -> list[Obj]:
        """Return all events of a watch that ends after so many seconds."""
        answer = self.get(path, watch=1, timeoutSeconds=seconds, **query)
        return [json.loads(line) for line in answer.text.splitlines()]

    def stream(self, path: str, **query: Any) -> Generator[Obj, None, None]:
        """Yield the events of a watch as they arrive."""
        with closing(self._connection()) as connection:
            connection.request("GET", f"{path}?{urlencode({'watch': 1, **query})}", headers=self._headers())
            for line in connection.getresponse():
                yield json.loads(line)

    @contextmanager
    def _connection_kept(self) -> Iterator[http.client.HTTPConnection]:
        """Yield an open connection and keep it: a TLS handshake takes longer than most answers."""
        connection: http.client.HTTPConnection | None = _kept.__dict__.pop(self.url, None)
        if connection is None or _is_over(connection):
            connection = self._connection()
        yield connection
        _kept.__dict__[self.url] = connection

    def _connection(self) -> http.client.HTTPConnection:
        where = urlsplit(self.url)
        if self.certificate is None:
            return http.client.HTTPConnection(where.netloc, timeout=PATIENCE_SECONDS)
        context = ssl.create_default_context(cafile=str(self.certificate))
        return http.client.HTTPSConnection(where.netloc, timeout=PATIENCE_SECONDS, context=context)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: Any,
        media: str,
        headers: dict[str, str],
    ) -> Answer:
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        typed = {"Content-Type": media} if raw is not None and media else {}
        connection.request(method, path, raw, {**self._headers(), **typed, **headers})
        response = connection.getresponse()
        return Answer(response.status, response.read().decode(), response.headers)
