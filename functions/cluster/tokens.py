"""Bearer tokens that somebody else renews: read again in time."""

import time
from collections.abc import Callable
from pathlib import Path

from functions.cluster.errors import Forbidden, Unavailable
from functions.identity import Identity, IdentityError, google

TOKEN_SECONDS = 60.0
"""How long a token that was read from a file is used: the kubelet renews it long before it expires."""


class FileToken:
    """A token in a file that somebody else renews."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._token, self._until = "", 0.0

    def __call__(self) -> str:
        """The token. Raises Forbidden where the file cannot be read."""
        if self._clock() >= self._until:
            try:
                self._token = self._file.read_text().strip()
            except OSError as error:
                raise Forbidden(f"no credentials for the cluster: {error}") from error
            self._until = self._clock() + TOKEN_SECONDS
        return self._token


class GoogleToken:
    """The access token of whom Google Cloud takes us for: of a function there, its service account."""

    def __init__(self, identity: Identity | None = None) -> None:
        self._identity = identity or google()

    def __call__(self) -> str:
        """The token. Raises Unavailable where there is none to be had."""
        try:
            return self._identity.headers()["Authorization"].removeprefix("Bearer ")
        except IdentityError as error:
            raise Unavailable(f"{error} (setting cluster.identity)") from error
