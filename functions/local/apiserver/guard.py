"""Keeps web pages away from a development server.

It listens on the loopback interface and asks for no credentials, so a page in the user's browser could reach it: by
a cross-origin request (it carries Origin) or by a name of its own that resolves to 127.0.0.1 (Host tells).
"""

import json

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.local.apiserver.errors import StatusError
from functions.serving.authentication import is_loopback


class LoopbackOnly:
    """Refuses (403) requests of web pages and those that do not name this machine as their host."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        problem = _problem(Headers(scope=scope)) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
            return
        body = json.dumps(StatusError(403, f"forbidden: {problem}", details={}).status())
        await Response(body, 403, media_type="application/json")(scope, receive, send)


def _problem(headers: Headers) -> str | None:
    if "origin" in headers:
        return "requests of web pages (with an Origin header) are not taken"
    if not is_loopback(headers.get("host", "")):
        return "the Host header has to be a loopback name or address, such as 127.0.0.1"
    return None
