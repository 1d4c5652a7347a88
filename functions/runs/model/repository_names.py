"""Names that follow from the URL of a repository: https, ssh or `git@host:path`. Pure."""

import hashlib
import re

_URL = re.compile(r"(?:(?:https|ssh)://)?(?:[^@/]+@)?(?P<host>[^/:]+)(?::\d+(?=/))?[/:](?P<path>.*)")

_SSH_GITHUB = r"ssh\.github\.com"
"""The host of github.com that accepts SSH on port 443 (GitHub: Using SSH over the HTTPS port)."""


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
    web = re.escape(host) + ("" if ":" in host else "(?::443)?")
    ssh = rf"(?:{name}|{_SSH_GITHUB})" if host.lower() == "github.com" else name
    prefix = rf"(?i:https://{web}/|ssh://git@{ssh}(?::\d+)?/|git@{ssh}:/?)"
    match = re.fullmatch(rf"{prefix}([\w.-]+/[\w.-]+?)(?:\.git)?/?", url, re.ASCII)
    return match[1] if match else ""


def for_git(url: str, host: str, *, as_app: bool) -> str:
    """Return the URL that a pod gives to git: one that its rules (credentials.sh.j2) recognise, if it is on the host.

    An ssh:// URL of a user stays as it is: its host and its port may be those of SSH only.
    """
    name, ssh = on_github(url, host), f"git@{host.split(':')[0]}"
    is_plain = url.startswith((f"https://{host}/", f"ssh://{ssh}/", f"{ssh}:{name}"))
    return f"https://{host}/{name}" if name and not is_plain and (as_app or not url.startswith("ssh:")) else url


def short_name(url: str) -> str:
    """Return the repository's name without its owner."""
    return url.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].removesuffix(".git")


def _with_hyphens(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
