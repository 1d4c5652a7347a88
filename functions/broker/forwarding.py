"""Forwards one request to an upstream and its answer to the client, streaming both."""

import logging
from collections.abc import Callable, Iterable, Mapping

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

log = logging.getLogger("orchestrator")

CONNECT_SECONDS = 30.0
SILENT_SECONDS = 900.0
"""How long an upstream may send nothing: a model can think for minutes, and a git server counts objects."""

_NOT_FORWARDED = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
        "host",
        "cookie",
        "set-cookie",
        "authorization",
        "x-api-key",
        "accept-encoding",
    }
)
"""Headers of one connection (RFC 9110, 7.6.1), headers with credentials of agent or upstream, and Accept-Encoding.

The broker requests uncompressed answers, because it counts tokens in them.
"""

_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


def new_session() -> ClientSession:
    """Return a client that adds no headers to requests, keeps no cookies and uses HTTPS_PROXY."""
    timeout = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS)
    return ClientSession(
        connector=TCPConnector(limit=0),
        timeout=timeout,
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=_AUTOMATIC,
        trust_env=True,
    )


def end_to_end(headers: Iterable[tuple[str, str]]) -> CIMultiDict[str]:
    """Return the headers that are forwarded."""
    return CIMultiDict((name, text) for name, text in headers if name.lower() not in _NOT_FORWARDED)


async def call(session: ClientSession, request: web.Request, url: str, added: Mapping[str, str]) -> ClientResponse:
    """Forward the request to `url` with the `added` headers; return the answer, whose body is unread.

    Raises:
        web.HTTPBadGateway: the upstream cannot be reached.
    """
    headers = end_to_end(request.headers.items())
    headers.update({**added, "Accept-Encoding": "identity"})
    body = request.content.iter_any() if request.body_exists else None
    try:
        return await session.request(
            request.method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
        )
    except (TimeoutError, ClientError) as error:
        log.warning("upstream %s: %s", URL(url).host, type(error).__name__)
        raise web.HTTPBadGateway(text=f"the broker could not reach {URL(url).host}: {type(error).__name__}\n") from None


async def answer(
    request: web.Request, upstream: ClientResponse, status: int = 0, seen: Callable[[bytes], None] | None = None
) -> web.StreamResponse:
    """Send the upstream's answer to the client, with another `status` if one is given; call `seen` with each piece."""
    response = web.StreamResponse(status=status or upstream.status, headers=end_to_end(upstream.headers.items()))
    async with upstream:
        await response.prepare(request)
        async for piece in upstream.content.iter_any():
            if seen:
                seen(piece)
            await response.write(piece)
    await response.write_eof()
    return response
