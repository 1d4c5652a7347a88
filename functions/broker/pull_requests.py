"""Opens the run's pull request, from its branch to its base, for the agent's container, which has no token."""

import asyncio
import json
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from functions.broker.configuration import PullRequest
from functions.broker.github_app import AppRepositories
from functions.broker.problems import ProblemError


class Text(BaseModel):
    """Title and body of the pull request from the agent's container (GitHub: a title has at most 256 characters)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, max_length=256)
    body: str = Field(max_length=65_536)
    mark: str = Field(min_length=1, max_length=1000)
    """A part of every body that the run has written; a body without it was written by a person and is kept."""


class PullRequestHandler:
    """The handler of `PUT /pull-request`."""

    def __init__(self, wanted: PullRequest, app: AppRepositories) -> None:
        self._wanted, self._app = wanted, app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer {url}, or {reason, message} with status 502 for an error that a retry may resolve, else 403 or 422."""
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
