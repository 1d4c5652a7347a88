"""Bearer tokens that somebody else renews: read again in time."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import urllib3

from functions.cluster.errors import Forbidden, Unavailable

TOKEN_SECONDS = 60.0
"""How long a token that was read from a file is used: the kubelet renews it long before it expires."""

EARLY_SECONDS = 60.0
"""How long before its end a Google access token is no longer used."""

METADATA = "http://{host}/computeMetadata/v1/instance/service-accounts/default/token"
"""Google Cloud: VM metadata, Access tokens."""


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
    """The access token of the service account that a function on Google Cloud works as.

    Asked of the metadata server itself, which google-auth would take a tenth of a second to import for.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pool = urllib3.PoolManager(retries=3, timeout=5.0)
        self._token, self._until = "", 0.0

    def __call__(self) -> str:
        """The token. Raises Unavailable where the metadata server gives none."""
        if self._clock() >= self._until:
            url = METADATA.format(host=os.environ.get("GCE_METADATA_HOST", "metadata.google.internal"))
            try:
                answer = self._pool.request("GET", url, headers={"Metadata-Flavor": "Google"})
                found = json.loads(answer.data)
                self._token, seconds = str(found["access_token"]), float(found["expires_in"])
            except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError) as error:
                why = "the metadata server gives no access token (setting cluster.identity)"
                raise Unavailable(f"{why}: {type(error).__name__}") from error
            self._until = self._clock() + seconds - EARLY_SECONDS
        return self._token
