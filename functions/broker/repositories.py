"""The repositories that the run may use, found by the names and addresses that git sends. Pure."""

import re
from dataclasses import dataclass

from functions.broker.configuration import Git, Repository

LFS_SERVICE = "git-lfs-authenticate"
"""The command that git-lfs runs on a remote (Git LFS: Server Discovery)."""
READING = ("git-upload-pack", f"{LFS_SERVICE} download")
WRITING = ("git-receive-pack", f"{LFS_SERVICE} upload")
"""The commands that git and git-lfs run on a remote to fetch and to push (git-upload-pack(1), git-receive-pack(1))."""

_SSH_URL = re.compile(
    r"ssh://(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+|\[[\da-fA-F:]+\])(?::(?P<port>\d+))?(?P<path>/.+)"
)
_SCP_LIKE = re.compile(r"(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+):(?!//)(?P<path>.+)")
_HTTPS_URL = re.compile(r"https://(?P<host>[\w.-]+)(?::\d+)?/(?P<path>.+)")


@dataclass(frozen=True, slots=True)
class SshAddress:
    """The address of a repository over SSH."""

    host: str
    port: int
    user: str
    path: str

    def same_repository(self, other: "SshAddress") -> bool:
        """Return whether both name one repository; slashes around the path and the suffix .git are ignored."""
        return (self.host, self.port) == (other.host, other.port) and _normalized(self.path) == _normalized(other.path)


def _normalized(path: str) -> str:
    return path.strip("/").removesuffix(".git").rstrip("/")


def ssh_address(url: str) -> SshAddress | None:
    """Return the SSH address of the repository with this URL; None if the URL has none."""
    match = _SSH_URL.fullmatch(url) or _SCP_LIKE.fullmatch(url)
    if match:
        port = int(match.groupdict().get("port") or 22)
        return SshAddress(match["host"].strip("[]"), port, match["user"] or "git", match["path"])
    https = _HTTPS_URL.fullmatch(url)
    return SshAddress(https["host"], 22, "git", https["path"]) if https else None


def by_ssh(git: Git, wanted: SshAddress) -> tuple[Repository, SshAddress] | None:
    """Return the run's repository at that address, with its configured address; None if the run has none there.

    On the Git host the name alone is compared, because SSH may have another port there.
    """
    is_on_host = wanted.host.lower() == git.host.split(":")[0].lower()
    named = by_name(git, _normalized(wanted.path)) if is_on_host else None
    for repository in git.repositories:  # the writable one is the first
        address = ssh_address(repository.url)
        if address and (repository == named or address.same_repository(wanted)):
            return repository, address
    return None


def by_name(git: Git, name: str) -> Repository | None:
    """Return the run's repository `owner/name` on the Git host, ignoring case as GitHub does; None if there is none."""
    wanted = name.removesuffix(".git").casefold()
    return next((found for found in git.repositories if found.name and found.name.casefold() == wanted), None)


def may_run(repository: Repository, service: str) -> bool:
    """Return whether git or git-lfs may run that command on the repository."""
    return service in READING or (service in WRITING and repository.writable)
