"""Repositories that no pod may be sent to: on its own machine, a link-local address or a metadata server. Pure."""

import ipaddress
import re
from collections.abc import Iterator

from functions.runs.model.repository_names import host
from functions.runs.model.run_spec import RunSpec

_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]*|[0-9]+")

_METADATA_HOSTS = frozenset({"metadata", "metadata.google.internal", "instance-data"})
"""Names of metadata servers (Google Cloud, "About VM metadata"; Amazon EC2, "instance-data")."""
_METADATA_ADDRESSES = frozenset({"100.100.100.200", "192.0.0.192"})
"""Addresses of metadata servers that are not link-local (Alibaba Cloud; Oracle Cloud)."""


def forbidden_repositories(spec: RunSpec) -> Iterator[tuple[str, str]]:
    """Yield each field of the spec with such a repository, and what is wrong with it."""
    for field, url in spec.repositories.items():
        if is_local(url):
            yield field, f"{host(url)} is not a Git host: it is this machine, a link-local address or a metadata server"


def is_local(url: str) -> bool:
    """Return whether the host of the URL is this machine, a link-local address or a metadata server.

    An address counts in each of the forms that resolvers accept: `127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1`
    (inet_aton(3)). Names that resolve to such an address are left to the network policy.
    """
    name = host(url).rstrip(".").lower()
    if name in _METADATA_HOSTS or name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    if address is None:
        return False
    return (
        address.is_loopback
        or address.is_link_local
        or address in ipaddress.ip_network("0.0.0.0/8")
        or str(address) in _METADATA_ADDRESSES
    )


def _address(name: str) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that inet_aton(3) reads in `name`; None if it reads none."""
    parts = name.split(".")
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    try:
        *leading, last = [_number(part) for part in parts]
    except ValueError:  # an 8 or 9 in an octal number
        return None
    if any(part > 255 for part in leading) or last >= 256 ** (4 - len(leading)):
        return None
    value = last + sum(each << (8 * (3 - index)) for index, each in enumerate(leading))
    return ipaddress.IPv4Address(value)


def _number(text: str) -> int:
    if text.lower().startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if len(text) > 1 and text.startswith("0") else 10)
