"""Access to a console on a cluster or in the cloud: read-only, for whom the platform lets through.

none      this machine only, as the other functions without tokens
iap       Google's Identity-Aware Proxy: its assertion is verified (Google Cloud: Securing your app with signed
          headers), so that a request that came another way is refused
ingress   a proxy in front names the person in a header; nothing else may reach the function
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

from google.auth.exceptions import GoogleAuthError
from google.oauth2 import id_token

from functions.console.context import Access, Visit
from functions.console.refused import Refused
from functions.serving.authentication import is_loopback
from functions.settings.console import ConsoleSettings

log = logging.getLogger("orchestrator")

ASSERTION = "x-goog-iap-jwt-assertion"
CERTIFICATES = "https://www.gstatic.com/iap/verify/public_key"
ISSUER = "https://cloud.google.com/iap"
KEPT_SECONDS = 3600.0
"""How long IAP's public keys are kept."""
SKEW_SECONDS = 30
"""Difference between two clocks that is accepted (Google Cloud: Securing your app with signed headers)."""

Fetch = Callable[..., Any]
"""A google.auth.transport.Request: fetches a URL."""


def access(settings: ConsoleSettings, fetch: Fetch) -> Access:
    """Return who may see the console by these settings; `fetch` reads IAP's public keys."""
    match settings.identity:
        case "iap":
            return IapAccess(settings.audience, CachedFetch(fetch))
        case "ingress":
            return IngressAccess(settings.header)
        case "none":
            return MachineAccess()


class MachineAccess:
    """Serves this machine only."""

    may_change: ClassVar[bool] = False

    def check(self, visit: Visit) -> None:
        """Raise Refused (403) for another machine, or a page of another origin."""
        if "origin" in visit.headers or not is_loopback(visit.headers.get("host", "localhost")):
            raise Refused(403, "Without an identity only loopback requests are served: set console.identity.")


class IngressAccess:
    """Serves whom a proxy in front names."""

    may_change: ClassVar[bool] = False

    def __init__(self, header: str) -> None:
        self._header = header.lower()

    def check(self, visit: Visit) -> None:
        """Raise Refused (401) without the header."""
        if not visit.headers.get(self._header, "").strip():
            raise Refused(
                401, "The proxy in front of the console sends no user; sign in there (setting console.header)."
            )


class IapAccess:
    """Serves whom Identity-Aware Proxy lets through, by its signed assertion."""

    may_change: ClassVar[bool] = False

    def __init__(self, audience: str, fetch: Fetch) -> None:
        self._audience, self._fetch = audience, fetch

    def check(self, visit: Visit) -> None:
        """Raise Refused: 401 without an assertion, 403 for one that is not IAP's, is expired or for another service."""
        assertion = visit.headers.get(ASSERTION, "")
        if not assertion:
            raise Refused(401, "The request did not come through Identity-Aware Proxy.")
        try:
            claims = id_token.verify_token(
                assertion,
                self._fetch,  # type: ignore[arg-type]  # called like one
                audience=self._audience,
                certs_url=CERTIFICATES,
                clock_skew_in_seconds=SKEW_SECONDS,
            )
        except (GoogleAuthError, ValueError) as error:
            log.warning("an assertion of Identity-Aware Proxy is refused: %s", type(error).__name__)
            raise Refused(403, "The assertion of Identity-Aware Proxy is not valid for this console.") from None
        if claims.get("iss") != ISSUER:
            raise Refused(403, "The assertion was not issued by Identity-Aware Proxy.")


class CachedFetch:
    """Keeps the last good answer for KEPT_SECONDS; google-auth fetches the keys for each verification."""

    def __init__(self, fetch: Fetch, now: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._now = fetch, now
        self._answer: Any = None
        self._until = 0.0
        self._lock = threading.Lock()

    def __call__(self, url: str, **options: Any) -> Any:
        """Return the response."""
        with self._lock:
            if self._answer is None or self._now() >= self._until:
                answer = self._fetch(url, **options)
                if answer.status != 200:
                    return answer
                self._answer, self._until = answer, self._now() + KEPT_SECONDS
            return self._answer
