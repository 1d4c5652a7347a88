"""Who may call the broker: clients that send the pod's random value where a credential belongs. Pure.

It is made for each pod and is shared with the agent's container alone, so that no other pod of a machine, and no
page in a browser there, can have the broker work for it.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterator, Mapping


def new_credential() -> str:
    """Return a random value. It opens nothing but this pod's broker."""
    return f"broker-{secrets.token_hex(24)}"


def is_admitted(headers: Mapping[str, str], credential: str, path_value: str = "") -> bool:
    """Return whether a request carries the credential; `path_value` is one from its path.

    Clouds' clients that do not sign send no header, so that the address that they are given contains it.
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
