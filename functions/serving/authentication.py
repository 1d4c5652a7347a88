"""Identifies the caller of a function (settings auth), and checks what the caller may request (setting access)."""

import base64
import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from functions.events.decoding import decode
from functions.events.event import MalformedError
from functions.runs.model.run_spec import RunSpec
from functions.runs.permissions import Grant as Rights
from functions.runs.permissions import violations
from functions.serving.http import Refused, Request
from functions.settings.access import GITHUB, Grant
from functions.settings.auth import AuthSettings
from functions.settings.model import Settings

SERVERLESS_AUTHORIZATION = "x-serverless-authorization"
"""If this header is present, Cloud Run checks the token in it and passes `authorization` on unchecked (Cloud Run:
Authenticating service-to-service)."""

_JWT = re.compile(r"[\w-]+\.([\w-]+)\.[\w-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request."""

    name: str
    """A name as in the setting access.callers."""
    scope: str
    """Keeps the idempotency keys of different callers apart."""


def authenticate(settings: AuthSettings, request: Request) -> Caller:
    """Return the sender of the request.

    Raises:
        Refused: 401 if a token is required and missing, 403 if it is not known.
    """
    refuse_foreign(settings, request.headers)
    name = "anonymous" if settings.mode == "none" else _by_token(settings, request)
    return Caller(name, name)


def refuse_foreign(settings: AuthSettings, headers: Mapping[str, str]) -> None:
    """Raise Refused (403) for a web page's request or another machine's, while no token is required.

    A web page in a browser of this machine sends Origin; one that points its own name at this machine sends that Host.
    """
    if settings.mode != "none":
        return
    if "origin" in headers or not is_loopback(headers.get("host", "localhost")):
        raise Refused(403, "without tokens only loopback requests are served: set auth.mode to bearer or iam")


def on_github(login: str) -> Caller:
    """Return a person on GitHub as caller. A request there has a key of its own, independent of the person."""
    return Caller(f"{GITHUB}{login}", "github")


def authorize(settings: Settings, who: Caller, spec: RunSpec) -> None:
    """Check that the caller may request such a run; without the setting access.callers every caller may.

    Raises:
        Refused: 403, naming the field and what the caller may use instead.
    """
    if settings.access.callers is None:
        return
    grant = settings.access.grant(who.name) or Grant()
    rights = Rights(grant.users, grant.agents, grant.namespaces)
    problems = violations(who.name, rights, spec, settings.namespace)
    if problems:
        raise Refused(403, f"{who.name} may not request this (setting access.callers)", problems)


def _by_token(settings: AuthSettings, request: Request) -> str:
    name = (
        SERVERLESS_AUTHORIZATION
        if settings.mode == "iam" and SERVERLESS_AUTHORIZATION in request.headers
        else "authorization"
    )
    scheme, _, token = request.headers.get(name, "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401, "send a token: Authorization: Bearer <token>")
    return _known(settings, token) if settings.mode == "bearer" else _email(token)


def is_loopback(host: str) -> bool:
    """Return whether a Host header (`name[:port]`, `[v6][:port]`) names this machine."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.rpartition(":")[0] or host
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _known(settings: AuthSettings, token: str) -> str:
    # Every token is compared, each in constant time, so that the duration reveals nothing.
    matches = [name for name, known in settings.tokens.items() if hmac.compare_digest(known.encode(), token.encode())]
    if not matches:
        raise Refused(403, "the token is not known")
    return matches[0]


def _email(token: str) -> str:
    """Return the address in an OIDC token. Cloud Run has checked its signature before it passes the request on."""
    try:
        payload = _JWT.fullmatch(token)[1]  # type: ignore[index]
        claims = decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims.get("email") or claims["sub"])
    except (MalformedError, ValueError, KeyError, AttributeError, TypeError):
        raise Refused(403, "the token is not an OIDC token with an email or sub") from None
