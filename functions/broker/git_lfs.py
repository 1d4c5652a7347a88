"""Proxies the Git LFS API for a run of a user, so that the credentials that the Git host grants stay in the broker.

git-lfs asks over SSH for the URL of the host's LFS API and its headers (Git LFS: Server Discovery,
git-lfs-authenticate). It gets an address of the broker, which adds the headers to each call. Objects are transferred
directly, with the grants for single objects that the API returns.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import ClientSession, web

from functions.broker import forwarding

ENDPOINTS = r"objects/batch|locks(?:/verify|/[\w-]+/unlock)?"
"""The endpoints of git-lfs below its server's URL (Git LFS: Batch API, File Locking API)."""

SECONDS = 60.0
"""Time limit of git-lfs-authenticate on the Git host."""


class GrantError(Exception):
    """The answer of the Git host is invalid; the text says why."""


@dataclass(frozen=True, slots=True)
class _Grant:
    href: str
    headers: Mapping[str, str]


class LfsGrants:
    """The newest grant of the Git host for each repository and operation."""

    def __init__(self, credential: str) -> None:
        self.url = ""
        """The broker's URL, set when it listens."""
        self._credential = credential
        self._grants: dict[str, _Grant] = {}

    def keep(self, answer: bytes, repository: int, operation: str, default: str) -> bytes:
        """Keep the grant in the Git host's `answer`; return the answer for git-lfs. Raises GrantError.

        `repository` is an index; `default` is the API's URL if the host names none.
        """
        try:
            document: dict[str, Any] = json.loads(answer)
            headers = {str(name): str(text) for name, text in (document.get("header") or {}).items()}
            href = str(document.get("href") or default).rstrip("/")
        except (ValueError, AttributeError, RecursionError):
            raise GrantError("the Git host's answer to git-lfs-authenticate is not as Git LFS defines it") from None
        self._grants[f"{repository}/{operation}"] = _Grant(href, headers)
        expiry = {name: document[name] for name in ("expires_at", "expires_in") if name in document}
        header = {"Authorization": f"Bearer {self._credential}"}
        return json.dumps({"href": f"{self.url}/lfs/{repository}/{operation}", "header": header, **expiry}).encode()

    async def handle(self, request: web.Request, session: ClientSession) -> web.StreamResponse:
        """Answer `/lfs/{repository}/{operation}/{endpoint}`."""
        repository, operation, endpoint = (request.match_info[part] for part in ("repository", "operation", "endpoint"))
        grant = self._grants.get(f"{repository}/{operation}")
        if grant is None or not re.fullmatch(ENDPOINTS, endpoint):
            raise web.HTTPForbidden(text="the broker allows only calls of Git LFS that the Git host has granted\n")
        query = f"?{request.query_string}" if request.query_string else ""
        upstream = await forwarding.call(session, request, f"{grant.href}/{endpoint}{query}", grant.headers)
        refused = upstream.status == HTTPStatus.UNAUTHORIZED  # for which git-lfs would ask for a password
        return await forwarding.answer(request, upstream, HTTPStatus.FORBIDDEN if refused else 0)
