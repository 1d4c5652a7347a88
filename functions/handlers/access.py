"""Who is calling, by the configured way of telling."""

import base64
import hmac
import ipaddress
import json

from functions.handlers.http import Refused, Request
from functions.settings.auth import AuthSettings


def caller(settings: AuthSettings, request: Request) -> str:
    """The caller's name, which scopes idempotency keys.

    Raises:
        Refused: 401 where a token is required and none came, 403 where it is not a known one.
    """
    if settings.mode == "none":
        return _local(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
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
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims.get("email") or claims["sub"])
    except (IndexError, ValueError, KeyError, AttributeError, TypeError):
        raise Refused(403, "the token is not an OIDC token with an email or sub") from None
