"""What a person's git repository tells about the work: where it is, on which branch, in which directory, by whom.

The configuration is read once, as git reads it: each question of its own would be a process of its own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from functions.clients.errors import CommandError
from functions.clients.git import Git
from functions.clients.tasks.inferred_value import InferredValue
from functions.runs.model.fields import GithubUser, RepositoryUrl, is_valid


@dataclass(frozen=True)
class Checkout:
    """A directory of a work tree: `root` is the top of it, `directory` the path from there (`.` for itself)."""

    git: Git
    root: Path
    directory: str

    @classmethod
    def of(cls, path: Path) -> "Checkout":
        """The work tree that `path` is in. Raises GitError where it is in none, CommandError for no directory."""
        here = path.expanduser().resolve()
        if not here.is_dir():
            raise CommandError(f"{path} is not a directory")
        root = Path(Git(here).run("rev-parse", "--show-toplevel", remedy="name a directory of a git work tree"))
        return cls(Git(root), root, here.relative_to(root).as_posix())

    @property
    def path(self) -> Path:
        """The directory itself."""
        return self.root / self.directory

    def below(self, name: str) -> str:
        """The path of `name` in the directory, from the root."""
        return name if self.directory == "." else f"{self.directory}/{name}"

    def branch(self) -> str | None:
        """The branch that is checked out; None where HEAD is detached."""
        return self.git.ask("symbolic-ref", "--quiet", "--short", "HEAD")

    def remote(self, named: str | None, branch: str | None) -> InferredValue:
        """The remote that pushes of `branch` go to, by git's own rules. Raises CommandError where none stands out."""
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
        raise CommandError(f"there are several remotes ({', '.join(remotes)}): say which with --remote")

    def url(self, remote: str) -> InferredValue:
        """The remote's URL as others can use it: as it is written, else as git expands it (url.insteadOf).

        Raises CommandError where neither is a URL that an agent could clone; credentials in it are left out.
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
        """The remote's default branch, as far as this clone knows."""
        reference = self.git.ask("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD")
        return (
            InferredValue(reference.removeprefix(f"refs/remotes/{remote}/"), f"default branch of {remote}")
            if reference
            else None
        )

    def login(self) -> InferredValue:
        """The GitHub login in git's configuration. Raises CommandError where there is none."""
        for key in ("github.user", "user.name"):
            login = self._configured(key)
            if login and is_valid(GithubUser, login):
                return InferredValue(login, f"git's {key}")
        name = self._configured("user.name")
        cause = f"git's user.name ({name!r}) is not a GitHub login" if name else "git has no user.name"
        raise CommandError(f"who works? {cause}: give --github-user LOGIN or --github-app APP")

    @property
    def _remotes(self) -> list[str]:
        """Their names, as `git remote` tells them."""
        keys = (key.partition(".")[2].rpartition(".")[0] for key in self._configuration if key.startswith("remote."))
        return sorted({name for name in keys if name})

    def _configured(self, key: str) -> str | None:
        """What git's configuration says of `key`; None where it says nothing."""
        section, _, rest = key.partition(".")
        inside, dot, name = rest.rpartition(".")
        return self._configuration.get(f"{section}.{inside}{dot}{name.lower()}")

    @cached_property
    def _configuration(self) -> Mapping[str, str]:
        """All of it; sections and names in lower case, as git lists them; of several values of a key the last."""
        entries = (entry.partition("\n") for entry in self.git.paths("config", "--list", "-z"))
        return {key: value for key, _, value in entries}


def without_credentials(url: str) -> str:
    """The URL without what stands before the host of an https URL; a user of ssh is no secret."""
    return re.sub(r"^(https?://)[^/@]*@", r"\1", url)
