"""JSON Web Tokens as GitHub Apps sign them: RFC 7519 by RS256 (RFC 7518, 3.3).

That is two pieces of JSON and a signature. The signature is the cryptography package's; what packages for tokens load
beside it, certificates and keys of other kinds, takes longer than all that a function does for its first comment.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any


def signed(claims: Mapping[str, Any], private_key: str) -> str:
    """The token with these claims. Raises ValueError where the key is no RSA key in PEM form, or has a password."""
    text = f"{_encoded(_json({'alg': 'RS256', 'typ': 'JWT'}))}.{_encoded(_json(claims))}"
    return f"{text}.{_encoded(_signature(text.encode(), private_key.encode()))}"


def _signature(text: bytes, private_key: bytes) -> bytes:
    """RSASSA-PKCS1-v1_5 by SHA-256, and looked at again: a damaged key signs, wrongly. Raises ValueError.

    Before it is used, a key of 2048 bits is checked for 40 ms whether it could be anybody's forgery. This one is the
    platform's own, and whether it is damaged shows sooner in what it signs.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(private_key, password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError(f"{type(key).__name__} is no RSA key")
        found = key.sign(text, PKCS1v15(), SHA256())
        key.public_key().verify(found, text, PKCS1v15(), SHA256())
    except (TypeError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise ValueError(str(error)) from error
    return found


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encoded(data: bytes) -> str:
    """Base64url without padding (RFC 7515, 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()
