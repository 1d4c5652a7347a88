"""Whether a delivery is GitHub's: the signature over its raw body, as sent in X-Hub-Signature-256.

(Validating webhook deliveries.) The older X-Hub-Signature, over SHA-1, counts for nothing.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

HEADER = "x-hub-signature-256"
FORM = re.compile(r"sha256=[0-9a-f]{64}")


def signed(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Whether one of the secrets made this signature. Each is tried, so that time tells nothing of which one fits."""
    if not FORM.fullmatch(signature):
        return False
    fits = [hmac.compare_digest(signature, sign(body, secret)) for secret in secrets]
    return any(fits)


def sign(body: bytes, secret: str) -> str:
    """The header's value."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
