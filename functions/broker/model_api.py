"""Proxies the model API: adds the credential and counts the usage."""

import asyncio
import re
from http import HTTPStatus
from urllib.parse import unquote

from aiohttp import ClientSession, web

from functions.broker import forwarding
from functions.broker.configuration import Model
from functions.broker.model_credentials import ModelCredential
from functions.broker.problems import ProblemError
from functions.broker.usage import Meter, Usage


class ModelProxy:
    """The handler of `/model/{path}`."""

    def __init__(self, model: Model, credential: ModelCredential, session: ClientSession, usage: Usage) -> None:
        self._model, self._credential, self._session, self._usage = model, credential, session, usage
        self._paths = [re.compile(path) for path in model.paths]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request of the agent CLI."""
        raw = request.rel_url.raw_path.partition("/model/")[2]
        if not self._allows(raw):
            raise web.HTTPForbidden(text="the broker allows only paths of the model API\n")
        query = f"?{request.query_string}" if request.query_string else ""
        added = await self._headers()
        upstream = await forwarding.call(self._session, request, f"{self._model.url}/{raw}{query}", added)
        if request.method != "POST" or upstream.status != HTTPStatus.OK:
            return await forwarding.answer(request, upstream)
        meter = Meter(self._usage)
        try:
            return await forwarding.answer(request, upstream, seen=meter.feed)
        finally:
            meter.end()

    def _allows(self, raw: str) -> bool:
        """Return whether the path is allowed and has no dot segment, which could lead out of the API."""
        segments = unquote(raw).split("/")
        return not {".", ".."}.intersection(segments) and any(path.fullmatch(raw) for path in self._paths)

    async def _headers(self) -> dict[str, str]:
        try:
            return dict(await asyncio.to_thread(self._credential.headers))
        except ProblemError as error:
            raise web.HTTPBadGateway(text=f"{error.problem.reason} {error}\n") from None
