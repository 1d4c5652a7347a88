"""The repositories agents work on here: local mirrors, so that nothing is ever pushed to anybody else's.

A run names its repository by a URL; git is told, through the environment of each pod, to use the mirror in its place.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.runs.model.specs import DocsRunSpec

EXAMPLE = Path(__file__).resolve().parent.parent / "example"
EXAMPLE_URL = "https://git.example.invalid/shop/inventory.git"
"""Names the bundled example; `.invalid` is never a host (RFC 2606)."""


TASKS = ".taskmaster/tasks/tasks.json"
"""Where Task Master keeps the tasks of a repository."""


class RepositoryError(Exception):
    """The repository cannot be used; the text says why, in git's words where git said it."""


@dataclass(frozen=True)
class Mirror:
    """A bare repository in place of `url`."""

    url: str
    path: Path

    @property
    def branch(self) -> str:
        """The default branch."""
        return git(self.path, "symbolic-ref", "--short", "HEAD").strip()

    def tasks(self) -> list[int]:
        """Ids of the Task Master tasks on the default branch. Raises RepositoryError where there are none."""
        try:
            found = json.loads(git(self.path, "show", f"HEAD:{TASKS}"))
        except RepositoryError as error:
            raise RepositoryError(f"{TASKS} is not committed on the default branch; agents need its tasks") from error
        except ValueError as error:
            raise RepositoryError(f"{TASKS} on branch {self.branch} is not JSON: {error}") from error
        ids = [task["id"] for group in _groups(found) for task in group if _is_task(task)]
        if not ids:
            raise RepositoryError(f"{TASKS} on branch {self.branch} has no task with a number of 1 or more as its id")
        return ids

    def commits(self, branch: str, base: str) -> int:
        """How many commits `branch` has that `base` has not; 0 where there is no such branch."""
        try:
            return int(git(self.path, "rev-list", "--count", f"{base}..{branch}"))
        except RepositoryError:
            return 0

    def changes(self, branch: str, base: str) -> str:
        """The diff stat of `branch` against where it left `base`."""
        return git(self.path, "diff", "--stat", f"{base}...{branch}")


def _groups(found: Any) -> list[list[Any]]:
    """Lists of tasks in a tasks.json: one (`{tasks: [...]}`), or one for each tag (`{tag: {tasks: [...]}}`)."""
    if not isinstance(found, dict):
        return []
    groups = [found, *found.values()]
    tasks = [group.get("tasks") for group in groups if isinstance(group, dict)]
    return [each for each in tasks if isinstance(each, list)]


def _is_task(task: Any) -> bool:
    number = task.get("id") if isinstance(task, dict) else None
    return isinstance(number, int) and number >= 1


def git(directory: Path, *arguments: str) -> str:
    """What git prints. Raises RepositoryError with git's own words."""
    done = subprocess.run(["git", "-C", str(directory), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RepositoryError(f"git {arguments[0]} in {directory}: {done.stderr.strip()}")
    return done.stdout


def example(folder: Path) -> Mirror:
    """The bundled example as a bare repository in `folder`; made once, then kept."""
    mirror = Mirror(EXAMPLE_URL, folder / "inventory.git")
    if mirror.path.exists():
        return mirror
    work = folder / "inventory-work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(EXAMPLE, work, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "--quiet", "--initial-branch=main", str(work))
    git(work, "add", "--all")
    who = ("-c", "user.name=Example", "-c", "user.email=example@example.invalid", "-c", "commit.gpgsign=false")
    git(work, *who, "commit", "--quiet", "--message=A small service that keeps count of what is in a shop")
    _publish(work, mirror.path)
    shutil.rmtree(work)
    return mirror


def mirror_of(source: str, folder: Path) -> Mirror:
    """A bare copy of the repository at a path or URL, cut off from it. Raises RepositoryError."""
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
    mirror.tasks()  # said before anything is started
    return mirror


def _check_url(url: str, source: str) -> None:
    try:
        DocsRunSpec.model_validate(
            {"repositoryUrl": url, "sourceBranch": "main", "model": "claude-x", "githubUser": "octocat"}
        )
    except ValueError:
        raise RepositoryError(f"REPO={source} is neither a directory nor an https, ssh or git@ URL") from None


def _publish(source: Path | str, path: Path) -> None:
    """Makes `path` a bare copy that no longer knows where it came from, so that nothing can be pushed back."""
    git(path.parent, "clone", "--quiet", "--bare", "--no-hardlinks", str(source), str(path))
    git(path, "remote", "remove", "origin")


def redirect(mirrors: list[Mirror]) -> Mapping[str, str]:
    """Environment that has git use each mirror in place of its URL (git-config: GIT_CONFIG_COUNT, url.insteadOf)."""
    # Configuration of this machine could send pushes elsewhere (url.pushInsteadOf), past the mirror.
    found = {"GIT_CONFIG_COUNT": str(len(mirrors)), "GIT_CONFIG_NOSYSTEM": "1"}
    for index, mirror in enumerate(mirrors):
        found[f"GIT_CONFIG_KEY_{index}"] = f"url.{mirror.path}.insteadOf"
        found[f"GIT_CONFIG_VALUE_{index}"] = mirror.url
    return found
