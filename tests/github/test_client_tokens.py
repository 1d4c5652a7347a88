"""The credentials of the App's requests to GitHub."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from pydantic import SecretStr

from functions.github.api.client import Github as Client
from functions.github.api.client import connect
from functions.github.api.errors import Denied, GithubError, NotFound, NotInstalled, Unauthorized
from functions.github.api.transport import Request
from tests.github.clock import Clock
from tests.support.github import Github
from tests.support.github.app import App, new_key

TOKENS = r"POST /app/installations/\d+/access_tokens"


def test_a_token_is_created_once_for_one_repository_only(github: Github, client: Client) -> None:
    github.repository("acme/shop").open_issue()
    github.repository("acme/other")
    for _ in range(3):
        client.repository("acme/shop").get("issues/1")
    assert len(github.asked(TOKENS)) == 1
    assert [token.repositories for token in github.app.tokens] == [["shop"]]
    client.repository("acme/other").get("")
    assert [token.repositories for token in github.app.tokens] == [["shop"], ["other"]]


def test_token_is_replaced_before_it_expires(github: Github, client: Client, clock: Clock) -> None:
    shop = client.repository(github.repository().full_name)
    for minutes, made in ((0, 1), (50, 1), (6, 2), (120, 3)):
        clock.later(minutes=minutes)
        shop.get("")
        assert len(github.app.tokens) == made
    assert not [call for call in github.calls if call.status >= 400]


def test_a_refused_token_is_replaced_once(github: Github, client: Client) -> None:
    shop = client.repository(github.repository().full_name)
    shop.get("")
    github.app.tokens[0].revoked = True
    assert shop.get("")["full_name"] == "acme/shop"
    assert len(github.app.tokens) == 2
    github.fails("GET /repos/acme/shop$", 401, times=2)
    with pytest.raises(Unauthorized, match="answered by the test"):
        shop.get("")
    assert len(github.app.tokens) == 3


def test_invalidated_tokens_are_replaced(github: Github, client: Client) -> None:
    names = [github.repository(name).full_name for name in ("acme/a", "acme/b")]
    for forgotten, made in (("", 2), ("acme/a", 4), ("", 5)):
        for name in names:
            client.repository(name).get("")
        assert len(github.app.tokens) == made
        client.forget_tokens(forgotten)


def test_a_repository_without_the_app_raises_not_installed(github: Github, client: Client) -> None:
    github.repository("acme/alone", installation=None)
    for name in ("acme/alone", "acme/nowhere"):
        with pytest.raises(NotInstalled, match=f"the GitHub App is not installed on {name}") as caught:
            client.repository(name).get("")
        assert isinstance(caught.value.__cause__, NotFound)


@pytest.mark.parametrize("seconds", [-50, 0, 50])
def test_the_jwt_is_accepted_although_clocks_differ(github: Github, clock: Clock, seconds: int) -> None:
    ahead = Clock()
    ahead.later(seconds=seconds)
    assert connect(github.settings(), ahead).app().get("app")["id"] == github.app.id


def test_the_key_of_another_app_is_refused_without_a_second_call(github: Github, clock: Clock) -> None:
    stranger = connect(github.settings(private_key=App(key=new_key()).private_key), clock)
    with pytest.raises(Unauthorized, match="could not be decoded"):
        stranger.app().get("app")
    assert len(github.calls) == 1, "a refused JWT is not replaced"


def of_another_kind() -> str:
    """Return a valid key of another algorithm."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def with_a_password() -> str:
    """Return an RSA key that cannot be parsed without its password."""
    locked = BestAvailableEncryption(b"password")
    return new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode()


def damaged() -> str:
    """Return an RSA key whose numbers belong to two keys."""
    one, other = new_key().private_numbers(), new_key().private_numbers()
    mixed = RSAPrivateNumbers(one.p, one.q, other.d, other.dmp1, other.dmq1, one.iqmp, one.public_numbers)
    key = mixed.private_key(unsafe_skip_rsa_key_validation=True)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.mark.parametrize(
    "key",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nnonsense",
        "x PRIVATE KEY-----",
        of_another_kind(),
        with_a_password(),
        damaged(),
    ],
    ids=["nonsense", "no key", "another kind", "with a password", "damaged"],
)
def test_an_invalid_key_is_named_without_its_value(github: Github, clock: Clock, key: str) -> None:
    replaced = github.settings().model_copy(update={"private_key": SecretStr(key)})  # validated only at start
    with pytest.raises(Denied, match=r"github\.private_key") as caught:
        connect(replaced, clock).app().get("app")
    assert "nonsense" not in str(caught.value)
    assert not github.calls


def test_no_text_contains_a_token_or_key(github: Github, client: Client) -> None:
    shop = client.repository(github.repository().full_name)
    shop.get("")
    texts = [repr(Request("GET", "u", "ghs_secret")), repr(client), repr(shop.__dict__), repr(github.settings())]
    for status in (401, 404, 422, 502, 0):
        github.fails("GET /repos/acme/shop$", status, times=2)
        with pytest.raises(GithubError) as caught:
            shop.get("")
        texts.append(f"{caught.value!r} {caught.value.__cause__!r}")
    line = github.app.private_key.splitlines()[1]
    assert not [text for text in texts if "ghs_" in text or line in text or "eyJ" in text]
