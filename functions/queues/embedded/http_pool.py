"""Requests to one HTTP server, over connections that are kept open.

By the standard library alone, which takes a third of the time that urllib3 does for a request, and none to load: the
webhook's answer waits for both. Trusts the system's certificates. What is encrypted goes through the proxy that the
environment names, if any (HTTPS_PROXY, NO_PROXY); what is not is this machine's, and goes to it directly.
"""

import os
import ssl
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Mapping
from functools import cached_property
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

from functions.queues.embedded.tls import Trust

KEPT = 32
"""Connections kept open; functions-framework serves with 4 threads per processor."""

IDLE_SECONDS = 120.0
"""How long one is kept that nobody uses: what lies between may forget it without a word after some minutes, and what
is sent on it then is waited for in vain."""

PROXIES = frozenset({"HTTPS_PROXY", "https_proxy"})
PROXY_PORT = 80


class Connections:
    """Posts to one server; may be used from several threads."""

    def __init__(
        self,
        url: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        trust: Trust | None = None,
    ) -> None:
        """`url` begins that of every request; `seconds` is the longest that one of its addresses may be silent."""
        self._url, self._seconds, self._clock = urlsplit(url), seconds, clock
        self._trust = trust or Trust()
        self._idle = deque[tuple[HTTPConnection, float]](maxlen=KEPT)

    def post(self, path: str, headers: Mapping[str, str], body: bytes, seconds: float = 0.0) -> tuple[int, bytes]:
        """The answer's code and body; `seconds` where there is less time. Raises OSError, HTTPException.

        What breaks on a connection that was kept is posted once more, as servers close idle ones: it may be there
        twice.
        """
        while True:
            connection, all_read = self._kept(), self._trust.completed
            try:
                return self._posted(connection or self._new(), path, headers, body, seconds or self._seconds)
            except ConnectionError:
                if connection is None:
                    raise
            except ssl.SSLCertVerificationError:
                if all_read:
                    raise
                self._trust.complete()

    def _posted(
        self, connection: HTTPConnection, path: str, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> tuple[int, bytes]:
        try:
            connection.timeout = seconds
            if connection.sock:
                connection.sock.settimeout(seconds)
            connection.request("POST", self._url.path + path, body, headers)
            answer = connection.getresponse()
            found = answer.status, answer.read()
        except BaseException:
            connection.close()
            raise
        if connection.sock:
            self._idle.append((connection, self._clock()))
        return found

    def _kept(self) -> HTTPConnection | None:
        """One that was used lately and that nobody uses."""
        while self._idle:
            try:
                connection, used = self._idle.pop()
            except IndexError:  # another thread took the last one
                break
            if self._clock() - used < IDLE_SECONDS:
                return connection
            connection.close()
        return None

    def _new(self) -> HTTPConnection:
        name, port = self._url.hostname or "", self._url.port
        if self._url.scheme != "https":
            return HTTPConnection(name, port)
        tls = self._trust.context
        if not self._proxy:
            return HTTPSConnection(name, port, context=tls)
        connection = HTTPSConnection(self._proxy.hostname or "", self._proxy.port or PROXY_PORT, context=tls)
        connection.set_tunnel(name, port or connection.default_port, _allowed(self._proxy))
        return connection

    @cached_property
    def _proxy(self) -> SplitResult | None:
        if not PROXIES & os.environ.keys():
            return None
        from urllib.request import getproxies, proxy_bypass  # loads more than all else here

        proxy = getproxies().get("https")
        if not proxy or proxy_bypass(self._url.netloc):
            return None
        return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _allowed(proxy: SplitResult) -> dict[str, str]:
    """What the proxy is told of who asks it."""
    if proxy.username is None:
        return {}
    said = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(said.encode()).decode()}"}
