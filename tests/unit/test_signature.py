"""Which signatures of a delivery are accepted: GitHub's own test vector, and what is nearly right.

| signature                                               | accepted |
|---------------------------------------------------------|----------|
| GitHub's documented one                                 | yes      |
| by the first, or by the last, of several secrets        | yes      |
| by a secret that is no longer one; of another body      | no       |
| in other case, cut, longer, of SHA-1, without a prefix  | no       |
| anything else                                           | no       |
"""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.github.webhook.signature import is_valid, sign

SECRET = "It's a Secret to Everybody"
BODY = b"Hello, World!"
VECTOR = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
"""Validating webhook deliveries: Testing the webhook payload validation."""
SHA1 = "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()


def test_githubs_documented_vector_is_accepted() -> None:
    assert is_valid(BODY, VECTOR, [SECRET])
    assert sign(BODY, SECRET) == VECTOR


@pytest.mark.parametrize("secrets", [[SECRET, "new"], ["new", SECRET], ["a", SECRET, "b"]])
def test_any_of_several_secrets_will_do(secrets: list[str]) -> None:
    assert is_valid(BODY, VECTOR, secrets)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        VECTOR[:-1],
        VECTOR + "0",
        VECTOR + "\n",
        VECTOR + "é",
        VECTOR.upper(),
        VECTOR.replace("sha256=", "SHA256="),
        "sha256=" + VECTOR.removeprefix("sha256=").upper(),
        VECTOR.removeprefix("sha256="),
        SHA1,
        SHA1.replace("sha1=", "sha256="),
        sign(BODY, "old"),
        "sha256=" + "0" * 64,
        "sha256=" + "\u0660" * 64,
    ],
)
def test_what_is_nearly_right_is_wrong(signature: str) -> None:
    assert not is_valid(BODY, signature, [SECRET])


def test_another_body_needs_another_signature() -> None:
    assert not is_valid(BODY + b" ", VECTOR, [SECRET])
    assert not is_valid(b"", VECTOR, [SECRET])
    assert is_valid(b"", sign(b"", SECRET), [SECRET])


def test_without_a_secret_nothing_is_accepted() -> None:
    assert not is_valid(BODY, VECTOR, [])


@given(st.text(), st.binary())
def test_no_text_is_a_signature_by_chance_and_none_raises(text: str, body: bytes) -> None:
    assert not is_valid(body, text, [SECRET])
