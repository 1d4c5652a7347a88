"""Authenticates clients of the broker: they send the pod's random value in place of a credential. Pure.

Each pod has its own value, known to the agent's container alone, so that neither another pod on the same machine nor a
web page in a browser there can use the broker.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterator, Mapping


def new_credential() -> str:
    """Return a new random value for this pod's broker."""
    return f"broker-{secrets.token_hex(24)}"


def is_admitted(headers: Mapping[str, str], credential: str, path_value: str = "") -> bool:
    """Return whether a request has the credential in a header or as `path_value`.

    Clients of clouds that do not sign requests send no header, so the URL that they call contains it.
    """
    return any(hmac.compare_digest(sent.encode(), credential.encode()) for sent in (*_sent(headers), path_value))


def _sent(headers: Mapping[str, str]) -> Iterator[str]:
    yield headers.get("x-api-key", "")
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            yield value
        case "basic":
            yield _password(value)


def _password(value: str) -> str:
    try:
        return base64.b64decode(value).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
