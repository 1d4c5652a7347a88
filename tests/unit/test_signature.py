"""Validation of a delivery's signature, with GitHub's own test vector and near misses."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.github.webhook.signature import is_valid, sign

SECRET = "It's a Secret to Everybody"
BODY = b"Hello, World!"
VECTOR = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
"""GitHub's documentation, "Validating webhook deliveries", section "Testing the webhook payload validation"."""
SHA1 = "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()


def test_githubs_documented_vector_is_accepted() -> None:
    assert is_valid(BODY, VECTOR, [SECRET])
    assert sign(BODY, SECRET) == VECTOR


@pytest.mark.parametrize("secrets", [[SECRET, "new"], ["new", SECRET], ["a", SECRET, "b"]])
def test_a_signature_by_any_of_several_secrets_is_accepted(secrets: list[str]) -> None:
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
def test_a_nearly_correct_signature_is_rejected(signature: str) -> None:
    assert not is_valid(BODY, signature, [SECRET])


def test_another_body_needs_another_signature() -> None:
    assert not is_valid(BODY + b" ", VECTOR, [SECRET])
    assert not is_valid(b"", VECTOR, [SECRET])
    assert is_valid(b"", sign(b"", SECRET), [SECRET])


def test_no_signature_is_accepted_without_a_secret() -> None:
    assert not is_valid(BODY, VECTOR, [])


@given(st.text(), st.binary())
def test_arbitrary_text_is_rejected_without_an_error(text: str, body: bytes) -> None:
    assert not is_valid(body, text, [SECRET])
