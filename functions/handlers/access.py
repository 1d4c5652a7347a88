"""Who is calling, by the configured way of telling."""

import base64
import hmac
import json

from functions.handlers.http import Refused, Request
from functions.settings import AuthSettings


def caller(settings: AuthSettings, request: Request) -> str:
    """The caller's name, which scopes idempotency keys.

    Raises:
        Refused: 401 where a token is required and none came, 403 where it is not a known one.
    """
    if settings.mode == "none":
        return "anonymous"
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401, "send a token: Authorization: Bearer <token>")
    return _known(settings, token) if settings.mode == "bearer" else _email(token)


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
