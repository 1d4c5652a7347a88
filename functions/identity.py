"""Who this process is to Google Cloud: the headers that prove it in each request there.

On Google Cloud the metadata server tells, asked by the standard library alone: google-auth takes a tenth of a second
to import, and the webhook's first answer would wait for that. It is loaded only where credentials lie in a file: on a
person's machine, on other clouds, for workload identity federation.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Protocol

KEY_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
"""Names the file where credentials lie (Google Cloud: How Application Default Credentials works)."""

GCLOUD_FILE = "application_default_credentials.json"
"""What `gcloud auth application-default login` writes, in the folder CLOUDSDK_CONFIG or the usual one."""

SCOPE = "https://www.googleapis.com/auth/cloud-platform"

PLACE = "/computeMetadata/v1/instance/service-accounts/default/token"
"""Google Cloud: VM metadata, Access tokens."""

HOST = "metadata.google.internal"
"""Where the metadata server is, unless GCE_METADATA_HOST says otherwise."""

EARLY_SECONDS = 60.0
"""How long before its end an access token is no longer used; the metadata server renews its own 5 minutes before."""

ANSWER_SECONDS = 3.0
TRIES = 3
"""How often it is asked, where a connection breaks: beside a pod that has just started it is not always there yet."""

Headers = Mapping[str, str]


class IdentityError(Exception):
    """There is nothing to prove who asks with; `passing` where it may be there soon."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(f"no credentials for Google Cloud: {message}")
        self.passing = passing


class Identity(Protocol):
    """Somebody whom Google Cloud knows; may be used from several threads."""

    def headers(self) -> Headers:
        """What a request is sent with: `Authorization`, and whom to bill. Raises IdentityError."""
        ...

    def forget(self, refused: Headers) -> None:
        """These were refused: the next ones are others, where there are others."""
        ...


def google() -> Identity:
    """Who asks, by what is configured; asks nobody before the first request."""
    return StoredIdentity() if os.environ.get(KEY_FILE) or _gcloud_file().exists() else ServiceAccount()


def _gcloud_file() -> Path:
    usual = os.path.expanduser("~/.config/gcloud")  # noqa: PTH111  (Path raises where there is no home)
    return Path(os.environ.get("CLOUDSDK_CONFIG") or usual, GCLOUD_FILE)


class ServiceAccount:
    """The one that this machine, function or pod on Google Cloud works as.

    Threads that find its token at its end ask for another at the same time, and get the same one: none waits for
    another's answer.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: tuple[Headers, float] = {}, 0.0

    def headers(self) -> Headers:
        """What a request is sent with. Raises IdentityError."""
        found, until = self._kept
        if not found or self._clock() >= until:
            asked = self._clock()
            token, seconds = _token(_asked(os.environ.get("GCE_METADATA_HOST") or HOST))
            found = {"Authorization": f"Bearer {token}"}
            self._kept = found, asked + seconds - EARLY_SECONDS
        return found

    def forget(self, refused: Headers) -> None:
        """The next ones are asked for anew."""
        if self._kept[0] is refused:
            self._kept = {}, 0.0


def _asked(host: str) -> bytes:
    """What the metadata server answers."""
    try:
        code, text = _answer(host, TRIES)
    except (OSError, HTTPException) as error:
        why = f"the metadata server at {host} does not answer ({error or type(error).__name__})"
        raise IdentityError(f"{why}; elsewhere than on Google Cloud set {KEY_FILE}", passing=True) from error
    if code != 200:
        why = f"the metadata server at {host} answered {code}: is a service account attached?"
        raise IdentityError(why, passing=code == 429 or code >= 500)
    return text


def _answer(host: str, tries: int) -> tuple[int, bytes]:
    connection = HTTPConnection(host, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", PLACE, headers={"Metadata-Flavor": "Google"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except ConnectionError:
        if tries == 1:
            raise
    finally:
        connection.close()
    return _answer(host, tries - 1)


def _token(text: bytes) -> tuple[str, float]:
    """The token in that answer, and its seconds."""
    try:
        found = json.loads(text)
        token, seconds = str(found["access_token"]), float(found["expires_in"])
    except (ValueError, KeyError, TypeError) as error:
        raise IdentityError("the metadata server's answer has no access token", passing=True) from error
    if not (token.isascii() and token.isprintable()) or " " in token:  # an error about the header would show it
        raise IdentityError("the metadata server's token is no word of ASCII characters", passing=False)
    return token, seconds


class StoredIdentity:
    """The one whose credentials lie in a file, as google-auth finds and reads them."""

    def __init__(self) -> None:
        self._refused: Headers = {}

    def headers(self) -> Headers:
        """What a request is sent with. Raises IdentityError."""
        from google.auth.exceptions import GoogleAuthError

        try:
            if not self._credentials.valid or self._applied() == self._refused:
                self._credentials.refresh(self._transport)
            return self._applied()
        except (GoogleAuthError, OSError) as error:
            raise IdentityError(str(error), passing=getattr(error, "retryable", False)) from error

    def forget(self, refused: Headers) -> None:
        """The next ones are asked for anew."""
        self._refused = refused

    def _applied(self) -> Headers:
        found: dict[str, str] = {}
        self._credentials.apply(found)
        return {name.title(): text for name, text in found.items()}

    @cached_property
    def _credentials(self) -> Any:
        import google.auth

        return google.auth.default(scopes=[SCOPE], request=self._transport)[0]

    @cached_property
    def _transport(self) -> Any:
        import urllib3
        from google.auth.transport.urllib3 import Request

        return Request(urllib3.PoolManager(timeout=ANSWER_SECONDS))  # type: ignore[no-untyped-call]
