"""Protects a development server from web pages.

The server listens on the loopback interface without authentication, so a page in the user's browser could reach it:
by a cross-origin request (recognized by its Origin header) or by a host name that resolves to 127.0.0.1 (recognized
by the Host header).
"""

import json

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.local.apiserver.errors import StatusError
from functions.serving.authentication import is_loopback


class LoopbackOnly:
    """Rejects (403) requests from web pages, and requests whose Host header is not a loopback name or address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, or reject it with 403."""
        problem = _problem(Headers(scope=scope)) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
            return
        body = json.dumps(StatusError(403, f"forbidden: {problem}", details={}).status())
        await Response(body, 403, media_type="application/json")(scope, receive, send)


def _problem(headers: Headers) -> str | None:
    if "origin" in headers:
        return "requests from web pages (with an Origin header) are not accepted"
    if not is_loopback(headers.get("host", "")):
        return "the Host header must be a loopback name or address, such as 127.0.0.1"
    return None
