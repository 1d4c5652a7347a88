"""Commit and push the Task Master files of a directory, and nothing else.

Other staged or changed files stay as they are. If unpushed commits change other files, nothing is done: a push would
include them, so the error asks the user to push them first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.clients.errors import CommandError
from functions.clients.git import GitError
from functions.clients.tasks.checkout import Checkout
from functions.clients.tasks.taskmaster import FOLDER, TASKS

SHOWN = 5
"""Maximum number of commits that an error lists."""

COMMIT_REMEDY = "nothing else was changed; fix the cause, then run the same command again"
PUSH_REMEDY = (
    "the commit is kept and nothing was submitted; fix the cause (`git pull --rebase` if the remote has commits "
    "that are missing here), then run the same command again: it continues from here"
)


@dataclass(frozen=True, slots=True)
class TaskmasterCommit:
    """The Task Master files of `checkout`, to be pushed to `branch` of `remote`."""

    checkout: Checkout
    remote: str
    branch: str

    @property
    def _folder(self) -> str:
        return self.checkout.below(FOLDER)

    def check(self) -> None:
        """Check that a push would deliver the files, and no others.

        Raises:
            CommandError: HEAD has no commit, the files are ignored, or unpushed commits change other files.
        """
        git = self.checkout.git
        if git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}") is None:
            raise CommandError(f"{self.checkout.root} has no commit yet: commit, then `{self._push_first}`")
        ignored = git.ask("check-ignore", "--verbose", "--", self.checkout.below(TASKS))
        if ignored:
            rule = ignored.partition("\t")[0]
            raise CommandError(f"{self.checkout.below(TASKS)} is ignored ({rule}): agents see only what is committed")
        foreign = self._foreign_commits()
        if foreign:
            raise CommandError("\n".join([self._foreign_commits_error, *(f"  {line}" for line in foreign[:SHOWN])]))

    def changed(self) -> list[str]:
        """Return the Task Master files with uncommitted changes, as paths from the root."""
        git, where = self.checkout.git, ("--", self._folder)
        tracked = git.paths("--literal-pathspecs", "diff", "--name-only", "--no-renames", "-z", "HEAD", *where)
        return sorted({*tracked, *self._untracked()})

    def commit(self) -> str:
        """Commit the Task Master files; return the short commit id.

        Raises:
            GitError: git failed; the index is unchanged.
        """
        git, new = self.checkout.git, self._untracked()
        message = "Update Task Master tasks" + ("" if self._is_root else f" of {self.checkout.directory}")
        if new:
            git.run("--literal-pathspecs", "add", "--intent-to-add", "--", *new)
        try:
            arguments = ("commit", "--quiet", "--only", f"--message={message}", "--", self._folder)
            git.run("--literal-pathspecs", *arguments, remedy=COMMIT_REMEDY)
        except (GitError, KeyboardInterrupt):
            if new:
                git.run("--literal-pathspecs", "reset", "--quiet", "--", *new)
            raise
        return git.run("rev-parse", "--short", "HEAD")

    def pending(self) -> bool:
        """Return whether HEAD has commits that the remote branch lacks, or that branch does not exist."""
        return self._tracked is None or self.checkout.git.run("rev-list", "--count", *self._range) != "0"

    def push(self) -> None:
        """Push HEAD to the branch, fast-forward only.

        Raises:
            GitError: git failed; the commit is kept.
        """
        target = f"HEAD:refs/heads/{self.branch}"
        self.checkout.git.run("push", "--quiet", self.remote, target, remedy=PUSH_REMEDY)

    @property
    def _is_root(self) -> bool:
        return self.checkout.directory == "."

    @property
    def _tracked(self) -> str | None:
        name = f"refs/remotes/{self.remote}/{self.branch}"
        return name if self.checkout.git.ask("rev-parse", "--verify", "--quiet", name) else None

    @property
    def _range(self) -> Sequence[str]:
        """Commits that a push would add: those missing on the branch or, for a new branch, on all remote branches."""
        return (f"{self._tracked}..HEAD",) if self._tracked else ("HEAD", "--not", f"--remotes={self.remote}")

    def _foreign_commits(self) -> list[str]:
        elsewhere = ("--", ":(top)", f":(top,exclude,literal){self._folder}")
        return self.checkout.git.run("log", "--full-history", "--format=%h %s", *self._range, *elsewhere).splitlines()

    def _untracked(self) -> list[str]:
        listing = ("ls-files", "--others", "--exclude-standard", "-z", "--", self._folder)
        return self.checkout.git.paths("--literal-pathspecs", *listing)

    @property
    def _push_first(self) -> str:
        return f"git push --set-upstream {self.remote} HEAD:{self.branch}"

    @property
    def _foreign_commits_error(self) -> str:
        return (
            f"commits that {self.remote} does not have on {self.branch} change other files; only {FOLDER} is pushed "
            f"here, so push them first (`{self._push_first}`), or `git fetch {self.remote}` if they are there:"
        )
