"""Names that follow from the URL of a repository: https, ssh or `git@host:path`. Pure."""

import hashlib
import re

_URL = re.compile(r"(?:(?:https|ssh)://)?(?:[^@/]+@)?(?P<host>[^/:]+)(?::\d+(?=/))?[/:](?P<path>.*)")


def identity(url: str) -> str:
    """Return `host/path` of the repository, the same for each form of its URL."""
    match = _URL.fullmatch(url)
    host, path = (match["host"], match["path"]) if match else ("", url)
    return f"{host}/{path.strip('/').removesuffix('.git')}".lower()


def host(url: str) -> str:
    """Return the host of the URL, without a port; empty if it has none."""
    match = _URL.fullmatch(url)
    return match["host"] if match else ""


def label(url: str) -> str:
    """Return the repository's name as a part of a DNS-1123 label."""
    return _with_hyphens(short_name(url).lower())


def checkout(url: str) -> str:
    """Return the workspace directory of the repository: readable, and unique for its URL."""
    words = _with_hyphens(short_name(url)).strip("-")
    return f"{words[:40] or 'repository'}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"


def on_github(url: str, host: str) -> str:
    """Return `owner/name` of a repository on the Git host, by any of its URLs; empty if it is on another host."""
    name = re.escape(host.split(":")[0])
    prefix = rf"(?:https://{re.escape(host)}/|ssh://git@{name}(?::\d+)?/|git@{name}:)"
    found = re.fullmatch(rf"{prefix}([\w.-]+/[\w.-]+?)(?:\.git)?/?", url, re.ASCII)
    return found[1] if found else ""


def short_name(url: str) -> str:
    """Return the repository's name without its owner."""
    return url.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].removesuffix(".git")


def _with_hyphens(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
