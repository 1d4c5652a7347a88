"""Repositories for agents on this machine: local mirrors, so that no run pushes to a remote repository.

A run names its repository by URL; the environment of each pod makes git use the mirror instead.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from functions.local.dev import taskmaster_file
from functions.runs.model.docs_run_spec import DocsRunSpec

EXAMPLE = Path(__file__).resolve().parent.parent / "example"
EXAMPLE_URL = "https://git.example.invalid/shop/inventory.git"
"""The URL of the bundled example; `.invalid` is never a host (RFC 2606)."""


class RepositoryError(Exception):
    """The repository cannot be used; the text says why and quotes git's error if there is one."""


@dataclass(frozen=True, slots=True)
class Task:
    """A Task Master task; `tag` is empty for a file without tags."""

    id: int | str
    title: str
    tag: str


@dataclass(frozen=True)
class Mirror:
    """A bare repository that replaces `url`."""

    url: str
    path: Path

    @property
    def branch(self) -> str:
        """The default branch."""
        return git(self.path, "symbolic-ref", "--short", "HEAD").strip()

    def next_task(self, wanted: str = "", tag: str = "", directory: str = ".") -> Task:
        """Return the wanted task, else the first pending one whose dependencies are done, of a tag or the current one.

        Raises:
            RepositoryError: there is no such file, tag or task, or none is pending; the text says what there is.
        """
        folder = PurePosixPath(directory) / ".taskmaster"
        file = str(folder / "tasks" / "tasks.json")
        tags = taskmaster_file.tags(self._json(file))
        current = str(self._optional(str(folder / "state.json")).get("currentTag") or "")
        chosen = tag or next((name for name in (current, "master", *tags) if name in tags), "")
        if chosen not in tags:
            known = ", ".join(filter(None, tags)) or "none"
            raise RepositoryError(f"TAG={chosen}: {file} has no such tag; it has {known}")
        return _choose(tags[chosen], wanted, chosen, file)

    def _json(self, file: str) -> Any:
        try:
            return json.loads(git(self.path, "show", f"HEAD:{file}"))
        except RepositoryError as error:
            raise RepositoryError(
                f"{file} is not committed on the default branch; DIR= names the directory with .taskmaster"
            ) from error
        except ValueError as error:
            raise RepositoryError(f"{file} on branch {self.branch} is not JSON: {error}") from error

    def _optional(self, file: str) -> dict[str, Any]:
        try:
            document = self._json(file)
        except RepositoryError:
            return {}
        return document if isinstance(document, dict) else {}

    def commits(self, branch: str, base: str) -> int:
        """Return how many commits of `branch` are not in `base`; 0 if the branch does not exist."""
        try:
            return int(git(self.path, "rev-list", "--count", f"{base}..{branch}"))
        except RepositoryError:
            return 0

    def changes(self, branch: str, base: str, *, patch: bool = True, colours: bool = False) -> str:
        """Return the stat, and with `patch` the diff, between the merge base of both branches and `branch`."""
        options = ["--stat", *(["--patch"] if patch else []), f"--color={'always' if colours else 'never'}"]
        return git(self.path, "diff", *options, f"{base}...{branch}")

    def diff(self, branch: str, base: str) -> str:
        """Return the diff between the merge base of both branches and `branch`; raise RepositoryError."""
        return git(self.path, "diff", f"refs/heads/{base}...refs/heads/{branch}")


def _choose(tasks: Sequence[Mapping[str, Any]], wanted: str, tag: str, file: str) -> Task:
    known = ", ".join(str(task["id"]) for task in tasks)
    where = f"tag {tag} of {file}" if tag else file
    if not tasks:
        raise RepositoryError(f"{where} has no task with an id")
    if wanted:
        task_of_id = next((task for task in tasks if str(task["id"]) == wanted), None)
        if task_of_id is None:
            raise RepositoryError(f"TASK={wanted}: {where} has no such task; it has {known}")
        return _task(task_of_id, tag)
    done = {str(task["id"]) for task in tasks if task.get("status") in taskmaster_file.DONE}
    pending = [task for task in tasks if task.get("status", "pending") in taskmaster_file.PENDING]
    ready = [task for task in pending if {str(each) for each in task.get("dependencies") or ()} <= done]
    if not pending:
        raise RepositoryError(f"{where} has no pending task; choose one with TASK=: {known}")
    return _task((ready or pending)[0], tag)


def _task(entry: Mapping[str, Any], tag: str) -> Task:
    return Task(entry["id"], str(entry.get("title") or ""), tag)


def git(directory: Path, *arguments: str) -> str:
    """Return git's output; raise RepositoryError with git's error text."""
    command = ["git", "-C", str(directory), *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError:
        raise RepositoryError("git is not installed, or not on the PATH") from None
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
    try:
        if local:
            git(directory, "rev-parse", "--git-dir")  # whose error text is plainer than that of a clone
        _refresh(directory.resolve() if local else source, path)
    except RepositoryError as error:
        raise RepositoryError(f"REPO={source} cannot be cloned: {error}") from error
    return Mirror(url, path)


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


def _refresh(source: Path | str, path: Path) -> None:
    """Make `path` a bare copy, or bring its branches up to date; what agents pushed to it stays."""
    if not path.exists():
        _publish(source, path)
        return
    git(path, "fetch", "--quiet", str(source), "+refs/heads/*:refs/heads/*")


def redirect(mirrors: Sequence[Mirror]) -> Mapping[str, str]:
    """Return the environment that makes git use each mirror instead of its URL.

    Source: git-config, GIT_CONFIG_COUNT and url.insteadOf.
    """
    # The system's git configuration is ignored: url.pushInsteadOf could redirect pushes away from the mirror.
    environ = {"GIT_CONFIG_COUNT": str(len(mirrors)), "GIT_CONFIG_NOSYSTEM": "1"}
    for index, mirror in enumerate(mirrors):
        environ[f"GIT_CONFIG_KEY_{index}"] = f"url.{mirror.path}.insteadOf"
        environ[f"GIT_CONFIG_VALUE_{index}"] = mirror.url
    return environ
