"""The repository that a URL names, and hosts that pods must not be sent to."""

import pytest

from functions.runs.model.repository_names import identity
from functions.runs.repository_hosts import is_local


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/Acme/Shop.git",
        "https://github.com/acme/shop",
        "ssh://git@github.com/acme/shop.git",
        "ssh://git@github.com:22/acme/shop.git",
        "git@github.com:acme/shop.git",
    ],
)
def test_every_form_of_a_url_names_the_same_repository(url: str) -> None:
    assert identity(url) == "github.com/acme/shop"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8443",
        "127.1",
        "127.255.255.254",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "git.localhost",
        "169.254.169.254",
        "169.254.1",
        "metadata",
        "metadata.google.internal",
        "Metadata.Google.Internal.",
        "100.100.100.200",
        "192.0.0.192",
    ],
)
def test_loopback_and_metadata_hosts_are_local(host: str) -> None:
    assert is_local(f"https://{host}/acme/shop")
    assert is_local(f"ssh://git@{host}/acme/shop")
    if ":" not in host:
        assert is_local(f"git@{host}:acme/shop")


@pytest.mark.parametrize(
    "host",
    [
        "github.com",
        "10.0.0.8",
        "192.168.1.4",
        "127.0.0.1.example",
        "localhost.example",
        "my-localhost",
        "git.007.de",
        "169.254.example",
        "1.2.3.4",
        "127.0.0.1.2",
        "089.1",
        "127.0.256.1",
        "4294967296",
        "metadata.example",
    ],
)
def test_other_hosts_are_not_local(host: str) -> None:
    assert not is_local(f"https://{host}/acme/shop")
