"""Who is calling, by the configured way of telling, and whether they may have a run work as they say."""

import base64
import hmac
import ipaddress
import re
from dataclasses import dataclass

from functions.events.decoding import decode
from functions.events.event import MalformedError
from functions.runs.model.specs import RunSpec
from functions.runs.permissions import Grant as Rights
from functions.runs.permissions import violations
from functions.serving.http import Refused, Request
from functions.settings import Settings
from functions.settings.access import GITHUB, Grant
from functions.settings.auth import AuthSettings

CHECKED_FIRST = "x-serverless-authorization"
"""Where this header is, Cloud Run checks the token in it, and hands on `authorization` unchecked (Cloud Run:
Authenticating service-to-service)."""

_JWT = re.compile(r"[\w-]+\.([\w-]+)\.[\w-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for something."""

    name: str
    """As the setting access.callers has it."""
    scope: str
    """What makes their idempotency keys theirs."""


def authenticate(settings: AuthSettings, request: Request) -> Caller:
    """Who sent the request.

    Raises:
        Refused: 401 where a token is required and none came, 403 where it is not a known one.
    """
    name = _local(request) if settings.mode == "none" else _by_token(settings, request)
    return Caller(name, name)


def on_github(login: str) -> Caller:
    """Who asks there. What is asked has a key of its own, whoever asks."""
    return Caller(f"{GITHUB}{login}", "github")


def authorize(settings: Settings, who: Caller, spec: RunSpec) -> None:
    """Does nothing where the caller may have such a run; without the setting access.callers everybody may.

    Raises:
        Refused: 403, naming the field and what the caller may use instead.
    """
    if settings.access.callers is None:
        return
    grant = settings.access.grant(who.name) or Grant()
    rights = Rights(grant.users, grant.agents, grant.namespaces)
    problems = violations(who.name, rights, spec, settings.namespace)
    if problems:
        raise Refused(403, f"{who.name} may not have this done (setting access.callers)", problems)


def _by_token(settings: AuthSettings, request: Request) -> str:
    name = CHECKED_FIRST if settings.mode == "iam" and CHECKED_FIRST in request.headers else "authorization"
    scheme, _, token = request.headers.get(name, "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401, "send a token: Authorization: Bearer <token>")
    return _known(settings, token) if settings.mode == "bearer" else _email(token)


def _local(request: Request) -> str:
    """Without tokens only this machine is served, and no web page in one of its browsers."""
    if "origin" in request.headers or not is_loopback(request.headers.get("host", "localhost")):
        raise Refused(403, "without tokens only loopback requests are served: set auth.mode to bearer or iam")
    return "anonymous"


def is_loopback(host: str) -> bool:
    """Whether a Host header (`name[:port]`, `[v6][:port]`) is of this machine."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.rpartition(":")[0] or host
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _known(settings: AuthSettings, token: str) -> str:
    # Every token is compared, in constant time each, so that the time taken tells nothing.
    matches = [name for name, known in settings.tokens.items() if hmac.compare_digest(known.encode(), token.encode())]
    if not matches:
        raise Refused(403, "the token is not known")
    return matches[0]


def _email(token: str) -> str:
    """The address in an OIDC token whose signature the platform has checked (Cloud Run does before it calls us)."""
    try:
        payload = _JWT.fullmatch(token)[1]  # type: ignore[index]
        claims = decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims.get("email") or claims["sub"])
    except (MalformedError, ValueError, KeyError, AttributeError, TypeError):
        raise Refused(403, "the token is not an OIDC token with an email or sub") from None
