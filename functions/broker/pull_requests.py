"""Opens the run's pull request for the agent's container, which has no token: its branch, its base, no other."""

import asyncio
import json
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from functions.broker.configuration import PullRequest
from functions.broker.github_app import AppRepositories
from functions.broker.problems import ProblemError


class Text(BaseModel):
    """What the agent's container says of the pull request (GitHub: a title has at most 256 characters)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, max_length=256)
    body: str = Field(max_length=65_536)
    mark: str = Field(min_length=1, max_length=1000)
    """A part of every text that an earlier attempt of the run gave; one without it was written by a person."""


class PullRequestHandler:
    """The handler of `PUT /pull-request`."""

    def __init__(self, wanted: PullRequest, app: AppRepositories) -> None:
        self._wanted, self._app = wanted, app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer {url}, or {reason, message} with a status that says whether a retry may help."""
        try:
            text = Text.model_validate_json(await request.read())
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
            return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, reason="InvalidInput", message=problems)
        try:
            given = (self._wanted, text.title, text.body, text.mark)
            url = await asyncio.to_thread(self._app.open_pull_request, *given)
        except ProblemError as error:
            is_transient = error.problem.reason == "NetworkError"
            status = HTTPStatus.BAD_GATEWAY if is_transient else HTTPStatus.FORBIDDEN
            return _answer(status, reason=error.problem.reason, message=error.problem.message)
        return _answer(HTTPStatus.OK, url=url)


def _answer(status: int, **fields: str) -> web.Response:
    return web.json_response(fields, status=status, dumps=json.dumps)
