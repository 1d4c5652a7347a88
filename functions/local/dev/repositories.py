"""Repositories for agents on this machine: local mirrors, so that no run pushes to a remote repository.

A run names its repository by URL; the environment of each pod makes git use the mirror instead.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.runs.model.docs_run_spec import DocsRunSpec

EXAMPLE = Path(__file__).resolve().parent.parent / "example"
EXAMPLE_URL = "https://git.example.invalid/shop/inventory.git"
"""The URL of the bundled example; `.invalid` is never a host (RFC 2606)."""


TASKS = ".taskmaster/tasks/tasks.json"
"""Where Task Master keeps the tasks of a repository."""


class RepositoryError(Exception):
    """The repository cannot be used; the text says why and quotes git's error if there is one."""


@dataclass(frozen=True)
class Mirror:
    """A bare repository that replaces `url`."""

    url: str
    path: Path

    @property
    def branch(self) -> str:
        """The default branch."""
        return git(self.path, "symbolic-ref", "--short", "HEAD").strip()

    def tasks(self) -> list[int]:
        """Return the ids of the Task Master tasks on the default branch; raise RepositoryError if there are none."""
        try:
            document = json.loads(git(self.path, "show", f"HEAD:{TASKS}"))
        except RepositoryError as error:
            raise RepositoryError(f"{TASKS} is not committed on the default branch; agents need its tasks") from error
        except ValueError as error:
            raise RepositoryError(f"{TASKS} on branch {self.branch} is not JSON: {error}") from error
        ids = [task["id"] for group in _groups(document) for task in group if _is_task(task)]
        if not ids:
            raise RepositoryError(f"{TASKS} on branch {self.branch} has no task with a number of 1 or more as its id")
        return ids

    def commits(self, branch: str, base: str) -> int:
        """Return how many commits of `branch` are not in `base`; 0 if the branch does not exist."""
        try:
            return int(git(self.path, "rev-list", "--count", f"{base}..{branch}"))
        except RepositoryError:
            return 0

    def changes(self, branch: str, base: str) -> str:
        """Return the diff stat between the merge base of both branches and `branch`."""
        return git(self.path, "diff", "--stat", f"{base}...{branch}")

    def diff(self, branch: str, base: str) -> str:
        """Return the diff between the merge base of both branches and `branch`; raise RepositoryError."""
        return git(self.path, "diff", f"refs/heads/{base}...refs/heads/{branch}")


def _groups(document: Any) -> list[list[Any]]:
    """Return the lists of tasks in a tasks.json: one (`{tasks: [...]}`), or one per tag (`{tag: {tasks: [...]}}`)."""
    if not isinstance(document, dict):
        return []
    groups = [document, *document.values()]
    tasks = [group.get("tasks") for group in groups if isinstance(group, dict)]
    return [group for group in tasks if isinstance(group, list)]


def _is_task(task: Any) -> bool:
    number = task.get("id") if isinstance(task, dict) else None
    return isinstance(number, int) and number >= 1


def git(directory: Path, *arguments: str) -> str:
    """Return git's output; raise RepositoryError with git's error text."""
    result = subprocess.run(["git", "-C", str(directory), *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise RepositoryError(f"git {arguments[0]} in {directory}: {result.stderr.strip()}")
    return result.stdout


def example(folder: Path) -> Mirror:
    """Return the bundled example as a bare repository in `folder`; create it if it does not exist."""
    mirror = Mirror(EXAMPLE_URL, folder / "inventory.git")
    if mirror.path.exists():
        return mirror
    work = folder / "inventory-work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(EXAMPLE, work, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "--quiet", "--initial-branch=main", str(work))
    git(work, "add", "--all")
    author = ("-c", "user.name=Example", "-c", "user.email=example@example.invalid", "-c", "commit.gpgsign=false")
    git(work, *author, "commit", "--quiet", "--message=A small service that keeps count of what is in a shop")
    _publish(work, mirror.path)
    shutil.rmtree(work)
    return mirror


def mirror_of(source: str, folder: Path) -> Mirror:
    """Return a bare copy, without a remote, of the repository at a path or URL; raise RepositoryError."""
    directory = Path(source).expanduser()
    name = source.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].removesuffix(".git") or "repository"
    local = directory.is_dir()
    url = (
        f"https://local.invalid/{''.join(c if c.isascii() and c.isalnum() else '-' for c in name)}.git"
        if local
        else source
    )
    _check_url(url, source)
    path = folder / f"{name}.git"
    if path.exists():
        shutil.rmtree(path)
    try:
        _publish(directory.resolve() if local else source, path)
    except RepositoryError as error:
        raise RepositoryError(f"REPO={source} cannot be cloned: {error}") from error
    mirror = Mirror(url, path)
    mirror.tasks()  # raises before anything is started
    return mirror


def _check_url(url: str, source: str) -> None:
    try:
        DocsRunSpec.model_validate(
            {"repositoryUrl": url, "sourceBranch": "main", "model": "claude-x", "githubUser": "octocat"}
        )
    except ValueError:
        raise RepositoryError(f"REPO={source} is neither a directory nor an https, ssh or git@ URL") from None


def _publish(source: Path | str, path: Path) -> None:
    """Make `path` a bare copy without a remote, so that nothing can be pushed back."""
    git(path.parent, "clone", "--quiet", "--bare", "--no-hardlinks", str(source), str(path))
    git(path, "remote", "remove", "origin")


def redirect(mirrors: list[Mirror]) -> Mapping[str, str]:
    """Return the environment that makes git use each mirror instead of its URL.

    Source: git-config, GIT_CONFIG_COUNT and url.insteadOf.
    """
    # The system's git configuration is ignored: url.pushInsteadOf could redirect pushes away from the mirror.
    environ = {"GIT_CONFIG_COUNT": str(len(mirrors)), "GIT_CONFIG_NOSYSTEM": "1"}
    for index, mirror in enumerate(mirrors):
        environ[f"GIT_CONFIG_KEY_{index}"] = f"url.{mirror.path}.insteadOf"
        environ[f"GIT_CONFIG_VALUE_{index}"] = mirror.url
    return environ
