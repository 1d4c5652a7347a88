"""Values that a local git repository provides: URL, branch, directory and GitHub login.

The configuration is read once, because each query would start a process.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from functions.clients.errors import CommandError
from functions.clients.git import Git
from functions.runs.model.field_rules import is_valid
from functions.runs.model.fields import GithubUser, RepositoryUrl


@dataclass(frozen=True, slots=True)
class InferredValue:
    """An inferred value of a spec field, and its source."""

    value: Any
    source: str


@dataclass(frozen=True)
class Checkout:
    """A directory of a work tree: `root` is its top level, `directory` the path below it (`.` for the root)."""

    git: Git
    root: Path
    directory: str

    @classmethod
    def of(cls, path: Path) -> "Checkout":
        """Return the checkout that contains `path`.

        Raises:
            GitError: `path` is not in a work tree.
            CommandError: `path` is not a directory.
        """
        here = path.expanduser().resolve()
        if not here.is_dir():
            raise CommandError(f"{path} is not a directory")
        root = Path(Git(here).run("rev-parse", "--show-toplevel", remedy="name a directory of a git work tree"))
        return cls(Git(root), root, here.relative_to(root).as_posix())

    @property
    def path(self) -> Path:
        """The absolute path of the directory."""
        return self.root / self.directory

    def below(self, name: str) -> str:
        """Return the path from the root of `name` in the directory."""
        return name if self.directory == "." else f"{self.directory}/{name}"

    def branch(self) -> str | None:
        """Return the branch that is checked out; None if HEAD is detached."""
        return self.git.ask("symbolic-ref", "--quiet", "--short", "HEAD")

    def remote(self, named: str | None, branch: str | None) -> InferredValue:
        """Return the remote that git pushes `branch` to.

        Raises:
            CommandError: there is no remote, no such remote, or several candidates.
        """
        remotes = self._remotes
        if not remotes:
            raise CommandError(f"{self.root} has no remote: agents clone what is pushed; `git remote add origin URL`")
        if named is not None and named not in remotes:
            raise CommandError(f"--remote {named}: the remotes of {self.root} are {', '.join(remotes)}")
        if named is not None:
            return InferredValue(named, "--remote")
        for key in (f"branch.{branch}.pushRemote", "remote.pushDefault", f"branch.{branch}.remote"):
            name = self._configured(key) if branch or "branch." not in key else None
            if name in remotes:
                return InferredValue(name, f"git's {key}")
        if "origin" in remotes or len(remotes) == 1:
            return InferredValue("origin" if "origin" in remotes else remotes[0], "the repository's remote")
        raise CommandError(f"there are several remotes ({', '.join(remotes)}): select one with --remote")

    def url(self, remote: str) -> InferredValue:
        """Return the remote's URL without credentials: as configured, else as git expands it (url.insteadOf).

        Raises:
            CommandError: an agent could clone neither of them.
        """
        for url in filter(None, self._url_candidates(remote)):
            clean = without_credentials(url)
            if is_valid(RepositoryUrl, clean):
                left_out = ", without its credentials" if clean != url else ""
                return InferredValue(clean, f"git's remote {remote}{left_out}")
        written = self._configured(f"remote.{remote}.url")
        raise CommandError(
            f"git's remote {remote} is {without_credentials(written or 'without a URL')}: an agent needs "
            "https://host/path, ssh://user@host/path or user@host:path; give it with --repository-url"
        )

    def _url_candidates(self, remote: str) -> Iterator[str | None]:
        yield self._configured(f"remote.{remote}.url")
        yield self.git.run("remote", "get-url", remote)

    def default_branch(self, remote: str) -> InferredValue | None:
        """Return the remote's default branch; None if this clone has no record of it."""
        reference = self.git.ask("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD")
        return (
            InferredValue(reference.removeprefix(f"refs/remotes/{remote}/"), f"default branch of {remote}")
            if reference
            else None
        )

    def login(self) -> InferredValue:
        """Return the GitHub login in git's configuration.

        Raises:
            CommandError: the configuration contains none.
        """
        for key in ("github.user", "user.name"):
            login = self._configured(key)
            if login and is_valid(GithubUser, login):
                return InferredValue(login, f"git's {key}")
        name = self._configured("user.name")
        cause = f"git's user.name ({name!r}) is not a GitHub login" if name else "git has no user.name"
        raise CommandError(f"no GitHub user: {cause}; give --github-user LOGIN or --github-app APP")

    @property
    def _remotes(self) -> list[str]:
        """Names of the remotes, as `git remote` lists them."""
        keys = (key.partition(".")[2].rpartition(".")[0] for key in self._configuration if key.startswith("remote."))
        return sorted({name for name in keys if name})

    def _configured(self, key: str) -> str | None:
        """Return git's value for `key`; None if it is not configured."""
        section, _, rest = key.partition(".")
        inside, dot, name = rest.rpartition(".")
        return self._configuration.get(f"{section}.{inside}{dot}{name.lower()}")

    @cached_property
    def _configuration(self) -> Mapping[str, str]:
        """Git's configuration: the last value of each key; sections and names in lower case, as git lists them."""
        entries = (entry.partition("\n") for entry in self.git.paths("config", "--list", "-z"))
        return {key: value for key, _, value in entries}


def without_credentials(url: str) -> str:
    """Return the URL without the user and password of an http or https URL; an ssh user is not a secret."""
    return re.sub(r"^(https?://)[^/@]*@", r"\1", url)
