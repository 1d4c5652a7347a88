"""Run git in the user's repository.

Every exit code is checked and git's messages are passed on unchanged. The user's own configuration, hooks, signing
and credential helpers apply.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from functions.clients.errors import CommandError

REPOSITORY_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
)
"""Variables that git sets for hooks and aliases; they would select another repository than the directory's."""

NO_GIT = "git is not installed, or not on the PATH"


class GitError(CommandError):
    """git failed; the text is git's own message, followed by a remedy if one is known."""


class Git:
    """git in one directory."""

    def __init__(self, directory: Path, environ: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        given = os.environ if environ is None else environ
        self.environ = {name: text for name, text in given.items() if name not in REPOSITORY_VARIABLES}

    def run(self, *arguments: str, remedy: str = "") -> str:
        """Return git's output without the last line feed.

        Raises:
            GitError: git failed; the text ends with `remedy`.
        """
        done = self._run(arguments)
        if done.returncode:
            message = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
            lines = [f"git {arguments[0]} failed in {self.directory}:", *(f"  {line}" for line in message)]
            raise GitError("\n".join([*lines, remedy] if remedy else lines))
        return done.stdout.removesuffix("\n")

    def ask(self, *arguments: str) -> str | None:
        """Return git's output; None for exit code 1, which means no.

        Raises:
            GitError: any other exit code.
        """
        done = self._run(arguments)
        return None if done.returncode == 1 else self._printed(done, arguments)

    def paths(self, *arguments: str) -> list[str]:
        """Return the paths that a command with -z prints.

        Raises:
            GitError: git failed.
        """
        return [path for path in self.run(*arguments).split("\0") if path]

    def _printed(self, done: "subprocess.CompletedProcess[str]", arguments: tuple[str, ...]) -> str:
        if done.returncode:
            raise GitError(f"git {arguments[0]} failed in {self.directory}: {done.stderr.strip()}")
        return done.stdout.removesuffix("\n")

    def _run(self, arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        command = ["git", "-C", str(self.directory), *arguments]
        # File names need not be UTF-8; surrogateescape keeps their bytes.
        try:
            process = subprocess.Popen(
                command,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="surrogateescape",
            )
        except FileNotFoundError:
            raise GitError(NO_GIT) from None
        try:
            out, err = process.communicate()
        except KeyboardInterrupt:
            process.terminate()  # git removes its lock files, which SIGKILL would leave
            process.wait()
            raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)
