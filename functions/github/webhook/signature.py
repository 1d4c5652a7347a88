"""The signature of a delivery: HMAC-SHA256 over its raw body, in X-Hub-Signature-256 (Validating webhook deliveries).

The older X-Hub-Signature (SHA-1) is not accepted.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

HEADER = "x-hub-signature-256"
FORM = re.compile(r"sha256=[0-9a-f]{64}")


def is_valid(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Return whether one of the secrets made the signature. All are tried, so that timing does not reveal which one."""
    if not FORM.fullmatch(signature):
        return False
    matches = [hmac.compare_digest(signature, sign(body, secret)) for secret in secrets]
    return any(matches)


def sign(body: bytes, secret: str) -> str:
    """Return the header's value for a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
