"""Git LFS for a run that works as a user: what the Git host grants over ssh stays with the broker.

git-lfs asks over ssh where the host's LFS API is, and which headers it takes (Git LFS: Server Discovery,
git-lfs-authenticate). The answer to it names an address of the broker, which adds the headers to each call. Objects
themselves come from where that API says, with grants for single objects.
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
"""What git-lfs calls below its server's address (Git LFS: Batch API, File Locking API)."""

SECONDS = 60.0
"""How long the Git host may take to grant something."""


class GrantError(Exception):
    """The Git host's answer cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class _Grant:
    href: str
    headers: Mapping[str, str]


class LfsGrants:
    """What the Git host granted, by repository and operation: the newest of each."""

    def __init__(self, credential: str) -> None:
        self.url = ""
        """Of the broker, once it listens."""
        self._credential = credential
        self._grants: dict[str, _Grant] = {}

    def keep(self, answer: bytes, repository: int, operation: str, default: str) -> bytes:
        """Keep what the Git host answered; return what git-lfs is answered. Raises GrantError.

        `default` is the API's address if the host names none.
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
            raise web.HTTPForbidden(text="the broker passes on calls of Git LFS that the Git host granted only\n")
        query = f"?{request.query_string}" if request.query_string else ""
        upstream = await forwarding.call(session, request, f"{grant.href}/{endpoint}{query}", grant.headers)
        refused = upstream.status == HTTPStatus.UNAUTHORIZED  # git-lfs would ask a person for a password
        return await forwarding.answer(request, upstream, HTTPStatus.FORBIDDEN if refused else 0)
