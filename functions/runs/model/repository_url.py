"""The URL of a repository: which repository it names, and whether its host may be reached from a pod. Pure."""

import ipaddress
import re

_URL = re.compile(r"(?:(?:https|ssh)://)?(?:[^@/]+@)?(?P<host>[^/:]+)(?::\d+(?=/))?[/:](?P<path>.*)")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]*|[0-9]+")

_METADATA_HOSTS = frozenset({"metadata", "metadata.google.internal", "instance-data"})
"""Names of metadata servers (Google Cloud, "About VM metadata"; Amazon EC2, "instance-data")."""
_METADATA_ADDRESSES = frozenset({"100.100.100.200", "192.0.0.192"})
"""Addresses of metadata servers that are not link-local (Alibaba Cloud; Oracle Cloud)."""


def host_and_path(url: str) -> str:
    """Return `host/path` of a repository, the same for each form of its URL: https, ssh or `git@host:path`."""
    match = _URL.fullmatch(url)
    host, path = (match["host"], match["path"]) if match else ("", url)
    return f"{host}/{path.strip('/').removesuffix('.git')}".lower()


def is_local(url: str) -> bool:
    """Return whether the host of the URL is this machine, a link-local address or a metadata server.

    An address counts in each of the forms that resolvers accept: `127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1`
    (inet_aton(3)). Names that resolve to such an address are left to the network policy.
    """
    match = _URL.fullmatch(url)
    host = match["host"].rstrip(".").lower() if match else ""
    if host in _METADATA_HOSTS or host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    if address is None:
        return False
    return (
        address.is_loopback
        or address.is_link_local
        or address in ipaddress.ip_network("0.0.0.0/8")
        or str(address) in _METADATA_ADDRESSES
    )


def _address(host: str) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that inet_aton(3) reads in `host`; None if it reads none."""
    parts = host.split(".")
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    try:
        *leading, last = [_number(part) for part in parts]
    except ValueError:  # an 8 or 9 in an octal number
        return None
    if any(each > 255 for each in leading) or last >= 256 ** (4 - len(leading)):
        return None
    value = last + sum(each << (8 * (3 - index)) for index, each in enumerate(leading))
    return ipaddress.IPv4Address(value)


def _number(text: str) -> int:
    if text.lower().startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if len(text) > 1 and text.startswith("0") else 10)
