"""Recorded calls to GitHub, made again with urllib3 and PyJWT directly."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import markdown_it  # noqa: F401  (finds commands in comments)
import urllib3

LIFETIME_SECONDS = 500


class Github:
    """Calls as a GitHub App and as its installation."""

    def __init__(self, app_id: str, private_key: str, clock: Callable[[], float]) -> None:
        now = int(clock())
        claims = {"iat": now - 60, "exp": now + LIFETIME_SECONDS, "iss": app_id}
        self._jwt = jwt.encode(claims, private_key, algorithm="RS256")
        self._pool = urllib3.PoolManager(maxsize=16, retries=False)
        self._token = ""

    def send(self, call: Mapping[str, Any]) -> None:
        """Make one call: `method`, `url`, `body`, and whether it is made `as_app`.

        The answer to a request for an installation token gives the token of the calls after it.
        """
        token = self._jwt if call["as_app"] else self._token
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
        body = None if call["body"] is None else json.dumps(call["body"])
        response = self._pool.request(call["method"], call["url"], body=body, headers=headers)
        assert (response.status >= 400) == call["refused"], f"{call['method']} {call['url']}: {response.status}"
        if call["url"].endswith("/access_tokens"):
            self._token = json.loads(response.data)["token"]
