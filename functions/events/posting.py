"""Events to one HTTP server, over connections that are kept open.

By the standard library alone, which takes a third of the time that urllib3 does for a request, and none to load: the
webhook's answer waits for both.
"""

import ssl
from collections import deque
from collections.abc import Mapping
from functools import cached_property
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

KEPT = 32
"""Connections kept open; functions-framework serves with 4 threads per processor."""


class Connections:
    """Posts to one server; may be used from several threads."""

    def __init__(self, url: str, seconds: float) -> None:
        """`url` begins that of every request; `seconds` is the longest that connecting, or an answer, may take."""
        self._url, self._seconds = urlsplit(url), seconds
        self._idle = deque[HTTPConnection](maxlen=KEPT)

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """The answer's code and body. Raises OSError, HTTPException.

        What breaks on a connection that was kept is posted once more, as servers close idle ones: it may be there
        twice.
        """
        while True:
            connection = self._kept()
            try:
                return self._posted(connection or self._new(), path, headers, body)
            except ConnectionError:
                if connection is None:
                    raise

    def _posted(
        self, connection: HTTPConnection, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        try:
            connection.request("POST", self._url.path + path, body, headers)
            answer = connection.getresponse()
            found = answer.status, answer.read()
        except BaseException:
            connection.close()
            raise
        if connection.sock:
            self._idle.append(connection)
        return found

    def _kept(self) -> HTTPConnection | None:
        """One that was used before and nobody uses."""
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _new(self) -> HTTPConnection:
        name, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            return HTTPSConnection(name, port, timeout=self._seconds, context=self._tls)
        return HTTPConnection(name, port, timeout=self._seconds)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()
