"""Which repositories the run may reach, by the names and addresses that git uses for them. Pure."""

import re
from dataclasses import dataclass

from functions.broker.configuration import Git, Repository

LFS_SERVICE = "git-lfs-authenticate"
"""What git-lfs runs on a remote (Git LFS: Server Discovery)."""
READING = ("git-upload-pack", f"{LFS_SERVICE} download")
WRITING = ("git-receive-pack", f"{LFS_SERVICE} upload")
"""What git runs on a remote to fetch and to push (git-upload-pack(1), git-receive-pack(1)), and git-lfs."""

_SSH_URL = re.compile(
    r"ssh://(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+|\[[\da-fA-F:]+\])(?::(?P<port>\d+))?(?P<path>/.+)"
)
_SCP_LIKE = re.compile(r"(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+):(?!//)(?P<path>.+)")
_HTTPS_URL = re.compile(r"https://(?P<host>[\w.-]+)(?::\d+)?/(?P<path>.+)")


@dataclass(frozen=True, slots=True)
class SshAddress:
    """Where a repository is for ssh."""

    host: str
    port: int
    user: str
    path: str

    def same_repository(self, other: "SshAddress") -> bool:
        """Return whether both name one repository; slashes around its path and the suffix .git do not count."""
        return (self.host, self.port) == (other.host, other.port) and _plain(self.path) == _plain(other.path)


def _plain(path: str) -> str:
    return path.strip("/").removesuffix(".git").rstrip("/")


def ssh_address(url: str) -> SshAddress | None:
    """Return where the repository of any URL is for ssh; None if it cannot be reached so."""
    match = _SSH_URL.fullmatch(url) or _SCP_LIKE.fullmatch(url)
    if match:
        port = int(match.groupdict().get("port") or 22)
        return SshAddress(match["host"].strip("[]"), port, match["user"] or "git", match["path"])
    https = _HTTPS_URL.fullmatch(url)
    return SshAddress(https["host"], 22, "git", https["path"]) if https else None


def by_ssh(git: Git, wanted: SshAddress) -> tuple[Repository, SshAddress] | None:
    """Return the run's repository at that address, with its address as configured; None if it is not the run's.

    A repository on the Git host has each address there, as its URL may be of another port or host for SSH.
    """
    is_on_host = wanted.host.lower() == git.host.split(":")[0].lower()
    named = by_name(git, _plain(wanted.path)) if is_on_host else None
    for repository in git.repositories:  # the one that may be written to is the first
        address = ssh_address(repository.url)
        if address and (repository == named or address.same_repository(wanted)):
            return repository, address
    return None


def by_name(git: Git, name: str) -> Repository | None:
    """Return the run's repository `owner/name` on the Git host, in any case (GitHub: names ignore case)."""
    wanted = name.removesuffix(".git").casefold()
    return next((each for each in git.repositories if each.name and each.name.casefold() == wanted), None)


def may_run(repository: Repository, service: str) -> bool:
    """Return whether git or git-lfs may run that service on the repository."""
    return service in READING or (service in WRITING and repository.writable)
