"""Requests below /api and /apis: path, method and media type select the handler."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from functions.local.apiserver.deletion import DeleteOptions, Deleter
from functions.local.apiserver.errors import Obj, StatusError, details, method_not_allowed
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.logs import LogOptions, cut_off
from functions.local.apiserver.negotiation import accepted_form
from functions.local.apiserver.patches import APPLY, check_media, configuration, patched
from functions.local.apiserver.reader import Reader, check_version, selector_of, watch_version
from functions.local.apiserver.registry import Registry
from functions.local.apiserver.request_body import media_type, parse_object, read_body
from functions.local.apiserver.requests import Target, WriteOptions, flag, number, parse_path
from functions.local.apiserver.store import Store
from functions.local.apiserver.tables import partial, table
from functions.local.apiserver.watch import TIMEOUT_SECONDS, WatchOptions, watch
from functions.local.apiserver.writer import Writer, Written
from functions.local.pod_logs import PodLogs

COLLECTION: dict[str, str] = {"GET": "list", "POST": "create"}
OBJECT: dict[str, str] = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
STATUS: dict[str, str] = {"GET": "get", "PUT": "update", "PATCH": "patch"}
LOG: dict[str, str] = {"GET": "log"}

Handler = Callable[[Request, Target], Awaitable[Response]]


class Endpoints:
    """Handles every request for objects."""

    def __init__(self, store: Store, registry: Registry, pod_logs: PodLogs, now: Callable[[], datetime]) -> None:
        self._store, self._registry, self._pod_logs, self._now = store, registry, pod_logs, now
        self._reader, self._writer, self._deleter = Reader(store), Writer(store, now), Deleter(store, now)
        self._handlers: dict[str, Handler] = {
            "create": self._create,
            "delete": self._delete,
            "get": self._get,
            "list": self._list,
            "log": self._log,
            "patch": self._patch,
            "update": self._update,
        }

    async def __call__(self, request: Request) -> Response:
        """Handle one request; raise StatusError."""
        target = parse_path(request.url.path, self._registry)
        verb = _methods(target).get(request.method)
        if verb is None or (verb not in target.kind.verbs and verb != "log"):
            raise method_not_allowed()
        return await self._handlers[verb](request, target)

    async def _get(self, request: Request, target: Target) -> Response:
        form = accepted_form(request)
        check_version(request.query_params.get("resourceVersion", ""), self._store.version)
        obj = self._reader.get(target)
        if form == "metadata":
            return _json(partial(obj))
        return _json(self._table(request, target.kind, [obj]) if form == "table" else obj)

    async def _list(self, request: Request, target: Target) -> Response:
        if flag(request.query_params, "watch"):
            return self._watch(request, target)
        form, kind = accepted_form(request), target.kind
        page = self._reader.page(target, request.query_params)
        meta: Obj = {"resourceVersion": str(page.version)}
        if page.token:
            meta |= {"continue": page.token}
            meta |= {} if page.remaining is None else {"remainingItemCount": page.remaining}
        if form == "table":
            return _json(self._table(request, kind, page.items) | {"metadata": meta})
        if form == "metadata":
            kinds = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            return _json({**kinds, "metadata": meta, "items": [partial(item) for item in page.items]})
        listed = {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": meta, "items": page.items}
        return _json(listed)

    def _watch(self, request: Request, target: Target) -> Response:
        query, kind = request.query_params, target.kind
        as_table = accepted_form(request) == "table"
        options = WatchOptions(
            version=watch_version(query),
            selector=selector_of(kind, query),
            bookmarks=flag(query, "allowWatchBookmarks"),
            timeout_seconds=number(query, "timeoutSeconds") or TIMEOUT_SECONDS,
            show=(lambda objects: self._table(request, kind, objects)) if as_table else None,
        )
        return StreamingResponse(watch(self._store, target, options), media_type="application/json")

    def _table(self, request: Request, kind: Kind, objects: list[Obj]) -> Obj:
        return table(kind, objects, self._now(), request.query_params.get("includeObject", "Metadata"))

    async def _create(self, request: Request, target: Target) -> Response:
        options = _write_options(request, "CreateOptions")
        obj = parse_object(await read_body(request), media_type(request), target.kind)
        return _written(self._writer.create(target, obj, options))

    async def _update(self, request: Request, target: Target) -> Response:
        options = _write_options(request, "UpdateOptions")
        obj = parse_object(await read_body(request), media_type(request), target.kind)
        return _written(self._writer.replace(target, obj, options))

    async def _patch(self, request: Request, target: Target) -> Response:
        media = media_type(request)
        check_media(media, target.kind)
        options = _write_options(request, "PatchOptions", apply=media == APPLY)
        raw = await read_body(request)
        if media == APPLY:
            return _written(self._writer.apply(target, configuration(raw, target.kind), options))
        return _written(self._writer.patch(target, lambda obj: patched(obj, raw, media), options))

    async def _delete(self, request: Request, target: Target) -> Response:
        options = DeleteOptions.parse(await read_body(request), request.query_params)
        return _written(self._deleter.delete(target.kind, target.key, options))

    async def _log(self, request: Request, target: Target) -> Response:
        options = LogOptions.parse(request.query_params, target.key.name, self._now())
        portion = options.of(self._reader.get(target))
        pieces = self._pod_logs.open(target.namespace, target.key.name, portion)
        try:
            first = await anext(pieces, b"")
        except LookupError:
            raise _no_log(target) from None
        return StreamingResponse(cut_off(_rejoined(first, pieces), options.limit), media_type="text/plain")


def _methods(target: Target) -> dict[str, str]:
    if target.name is None:
        return COLLECTION
    return {None: OBJECT, "status": STATUS, "log": LOG}[target.subresource]


def _write_options(request: Request, options_kind: str, *, apply: bool = False) -> WriteOptions:
    agent = request.headers.get("user-agent", "")
    return WriteOptions.parse(request.query_params, options_kind, agent=agent, apply=apply)


def _no_log(target: Target) -> StatusError:
    name = target.key.name
    return StatusError(404, f'the log of pod "{name}" is not there (any more)', details=details(name, "", "pods"))


async def _rejoined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _json(value: Any) -> Response:
    return Response(json.dumps(value, separators=(",", ":")), media_type="application/json")


def _written(written: Written) -> Response:
    response = Response(written.body, written.code, media_type="application/json")
    for warning in written.warnings:
        response.headers.append("Warning", f"299 - {json.dumps(warning)}")
    return response
