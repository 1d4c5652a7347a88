"""The queue over HTTP: publishing for the functions, inspection for people."""

import sqlite3
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from functions.events.event import MalformedError
from functions.local.queue.message import parse
from functions.local.queue.queue import Queue, UnknownLetterError, UnknownTopicError
from functions.local.queue.store import Delivery

MESSAGE_BYTES = 10_000_000
"""The largest message (Pub/Sub: Quotas and limits)."""


class TooLongError(Exception):
    """The body exceeds the largest message."""


def create_app(queue: Queue) -> Starlette:
    """Return the queue's endpoints; their server starts and stops the queue in the same event loop.

    POST /topics/{topic}             publish a CloudEvent: 200 {messageId}
    GET /topics                      the names of the topics
    GET /subscriptions               the counts of each subscription
    GET /dead/{topic}                the dead letters of a topic
    POST /dead/{topic}/{id}/replay   deliver one again: 204
    DELETE /dead/{topic}/{id}        delete one: 204
    """

    async def publish(request: Request) -> Response:
        message = parse(request.headers, await _body(request))
        return JSONResponse({"messageId": await queue.publish(request.path_params["topic"], message)})

    async def topics(_: Request) -> Response:
        return JSONResponse({"topics": queue.topology.topics})

    async def subscriptions(_: Request) -> Response:
        return JSONResponse({"subscriptions": queue.subscriptions()})

    async def dead(request: Request) -> Response:
        return JSONResponse({"letters": [_letter(delivery) for delivery in queue.dead(request.path_params["topic"])]})

    async def replay(request: Request) -> Response:
        await queue.replay(request.path_params["topic"], request.path_params["letter"])
        return Response(status_code=204)

    async def drop(request: Request) -> Response:
        await queue.drop(request.path_params["topic"], request.path_params["letter"])
        return Response(status_code=204)

    routes = [
        Route("/topics/{topic}", publish, methods=["POST"]),
        Route("/topics", topics),
        Route("/subscriptions", subscriptions),
        Route("/dead/{topic}", dead),
        Route("/dead/{topic}/{letter:int}/replay", replay, methods=["POST"]),
        Route("/dead/{topic}/{letter:int}", drop, methods=["DELETE"]),
    ]
    return Starlette(routes=routes, exception_handlers=dict.fromkeys(_CODES, _error_response))


_CODES: dict[Any, int] = {
    MalformedError: 400,
    UnknownTopicError: 404,
    UnknownLetterError: 404,
    TooLongError: 413,
    sqlite3.Error: 503,
}


async def _error_response(_: Request, error: Exception) -> Response:
    code = next(code for kind, code in _CODES.items() if isinstance(error, kind))
    problems = error.problems if isinstance(error, MalformedError) else ()
    errors = [{"field": field, "message": problem} for field, problem in problems]
    return JSONResponse({"message": str(error), "errors": errors}, code)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MESSAGE_BYTES:
            raise TooLongError(f"a message has at most {MESSAGE_BYTES} bytes")
    return bytes(body)


def _letter(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "messageId": str(delivery.message_id),
        "topic": delivery.topic,
        "subscription": delivery.subscription,
        "publishedAt": datetime.fromtimestamp(delivery.published, UTC).isoformat(timespec="milliseconds"),
        "attempts": delivery.attempts,
        "reason": delivery.reason,
        "event": delivery.message.structured(),
    }
