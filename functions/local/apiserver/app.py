"""The server as an ASGI application: routes, error responses and background work."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from functions.local.apiserver.bootstrap import seed
from functions.local.apiserver.discovery import Discovery
from functions.local.apiserver.endpoints import Endpoints
from functions.local.apiserver.errors import StatusError, bad_request, method_not_allowed
from functions.local.apiserver.garbage import GarbageCollector
from functions.local.apiserver.guard import LoopbackOnly
from functions.local.apiserver.registry import Registry
from functions.local.apiserver.store import Store
from functions.local.pod_logs import PodLogs


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def create_app(
    store: Store, resources: Registry, pod_logs: PodLogs, *, now: Callable[[], datetime] = utc_now
) -> Starlette:
    """Return the API server of these kinds, with its objects in this store.

    Serve it on a loopback address, in one process. Watches stay open for a long time, so give the ASGI server a short
    graceful timeout.
    """
    seed(store, resources, now)
    collector = GarbageCollector(store, resources, now)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        collecting = asyncio.create_task(collector.run())
        yield
        collecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await collecting

    return Starlette(
        routes=[
            *(Route(path, _healthy) for path in ("/healthz", "/readyz", "/livez")),
            *Discovery(resources).routes(),
            Route("/{path:path}", _AnyMethod(Endpoints(store, resources, pod_logs, now))),
        ],
        lifespan=lifespan,
        middleware=[Middleware(LoopbackOnly)],
        exception_handlers={StatusError: _refused, RecursionError: _too_deep, 405: _not_allowed, 500: _failed},
    )


class _AnyMethod:
    """Passes every method to the endpoints, which decide by path whether it is allowed."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._endpoints(Request(scope, receive))
        await response(scope, receive, send)


def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok")


def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, StatusError):
        raise error
    headers = {"Retry-After": "1"} if error.code in (429, 504) else None
    return Response(json.dumps(error.status()), error.code, headers, media_type="application/json")


def _not_allowed(request: Request, _: Exception) -> Response:
    return _refused(request, method_not_allowed())


def _too_deep(request: Request, _: Exception) -> Response:
    return _refused(request, bad_request("exceeded max depth"))


def _failed(request: Request, _: Exception) -> Response:
    """Return 500 for an unexpected exception; the server logs the traceback."""
    return _refused(request, StatusError(500, "Internal error occurred", details={}))
