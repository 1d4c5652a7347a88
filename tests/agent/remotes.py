"""Local bare repositories in place of GitHub's."""

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path


def git(*arguments: str, cwd: Path) -> str:
    """Run git without user or system configuration; return its output."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "t", f"GIT_{role}_EMAIL": "t@example.com"}
    done = subprocess.run(["git", *arguments], cwd=cwd, env=environment, check=True, capture_output=True, text=True)
    return done.stdout


class Remotes:
    """Bare repositories in place of https://github.com/acme/<name>."""

    def __init__(self, root: Path, url: str = "") -> None:
        self.root = root
        self.url = url or f"file://{root}/"
        """The URL that precedes a repository's name, with a trailing slash."""

    def create(self, name: str, files: Mapping[str, str], branch: str = "main") -> Path:
        """Create a repository with one commit of `files`; return its bare directory."""
        bare = self.root / name
        git("init", "--quiet", "--bare", "-b", branch, str(bare), cwd=self.root.parent)
        self.commit(name, files, branch)
        return bare

    def commit(
        self,
        name: str,
        files: Mapping[str, str],
        branch: str = "main",
        start: str | None = None,
        message: str = "seed",
    ) -> None:
        """Add a commit to `branch`."""
        work = self.root.parent / f"work-{name}-{time.monotonic_ns()}"
        git("clone", "--quiet", str(self.root / name), str(work), cwd=self.root.parent)
        if start:
            git("checkout", "--quiet", start, cwd=work)
        git("checkout", "--quiet", "-B", branch, cwd=work)
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        git("add", "--all", cwd=work)
        git("commit", "--quiet", "-m", message, cwd=work)
        git("push", "--quiet", "origin", branch, cwd=work)

    def link(self, name: str, path: str, target: str) -> None:
        """Add a commit to main that makes `path` a symbolic link."""
        work = self.root.parent / f"work-{name}-link"
        git("clone", "--quiet", str(self.root / name), str(work), cwd=self.root.parent)
        (work / path).symlink_to(target)
        git("add", "--all", cwd=work)
        git("commit", "--quiet", "-m", "link", cwd=work)
        git("push", "--quiet", "origin", "main", cwd=work)

    def files(self, name: str, branch: str) -> list[str]:
        """Return the paths that `branch` adds to main or changes."""
        return git("diff", "--name-only", f"main...{branch}", cwd=self.root / name).split()

    def show(self, name: str, revision: str) -> str:
        """Return the output of `git show` for a file or commit."""
        return git("show", revision, cwd=self.root / name)

    def log(self, name: str, revision: str) -> str:
        """Return the output of `git log`, with whole messages."""
        return git("log", revision, cwd=self.root / name)

    def tree(self, name: str, branch: str) -> list[str]:
        """Return every path on `branch`."""
        return git("ls-tree", "-r", "-z", "--name-only", branch, cwd=self.root / name).split("\0")

    def tip(self, name: str, branch: str) -> str:
        """Return the last commit of `branch`."""
        return git("rev-parse", f"refs/heads/{branch}", cwd=self.root / name).strip()

    def branches(self, name: str) -> list[str]:
        """Return the names of all branches."""
        return git("for-each-ref", "--format=%(refname:short)", "refs/heads", cwd=self.root / name).split()
