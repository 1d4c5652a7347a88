"""Submit a docs run of a directory, after committing and pushing its Task Master files.

Everything is validated before anything is changed. The tasks' texts are copied before the commit, and the run is
submitted after the push. Each step continues from the state that an earlier try left.
"""

from collections.abc import Sequence
from pathlib import Path

from functions.clients.errors import CommandError, WrongUsage
from functions.clients.output import Say
from functions.clients.tasks import request as asking
from functions.clients.tasks import taskmaster
from functions.clients.tasks.checkout import Checkout, InferredValue
from functions.clients.tasks.commit_and_push import TaskmasterCommit
from functions.clients.tasks.request import Outcome, Request, show
from functions.clients.tasks.taskmaster import Copy
from functions.runs.model.kinds import RunKind

KIND = RunKind.DOCS

MOST_IDS = 10
"""Ids of tasks that are listed in a line."""


def run(request: Request, directory: Path, say: Say, remote: str | None = None) -> Outcome:
    """Commit and push the Task Master files of `directory`, then submit the docs run that `request` describes.

    Raises:
        CommandError: a step failed; nothing was submitted unless the server reported the error.
    """
    prepared = asking.prepare(request, KIND)
    checkout = Checkout.of(directory)
    count = taskmaster.tasks(checkout.path)
    commit, inferred = _infer(request, checkout, remote)
    commit.check()
    copies = taskmaster.copies(checkout.path)
    spec = asking.validate_spec(KIND, request.given, inferred, say)
    show(say, "tasks", f"{count} in {checkout.below(taskmaster.TASKS)}")
    missing = taskmaster.without_text(checkout.path)
    if missing:
        show(say, "no text", f"tasks {_listed(missing)}: no tasks/task_NNN.txt; the agent reads tasks.json")
    if request.dry_run:
        _show_plan(commit, copies, say)
    else:
        _save(commit, copies, say)
    return asking.send(prepared, KIND, spec, inferred, say)


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - MOST_IDS} more" if len(ids) > MOST_IDS else ""
    return ", ".join(ids[:MOST_IDS]) + more


def _infer(
    request: Request, checkout: Checkout, remote: str | None
) -> tuple[TaskmasterCommit, dict[str, InferredValue]]:
    """Return where the files are pushed to, and the inferred fields of the spec."""
    current_branch, given = checkout.branch(), request.given
    branch = _branch(current_branch, given.get("source_branch"))
    origin = checkout.remote(remote, current_branch)
    candidates = {
        "repository_url": checkout.url(origin.value) if "repository_url" not in given else None,
        "source_branch": InferredValue(branch, "the branch that is checked out"),
        "working_directory": InferredValue(checkout.directory, "where it is in the repository"),
        "github_user": None if {"github_user", "github_app"} & given.keys() else checkout.login(),
        "model": None if "model" in given else asking.default_model(KIND, request.environ),
    }
    inferred = {name: value for name, value in candidates.items() if value is not None and name not in given}
    return TaskmasterCommit(checkout, origin.value, branch), inferred


def _branch(current: str | None, wanted: str | None) -> str:
    if current and wanted and current != wanted:
        raise WrongUsage(f"--source-branch {wanted}: {current} is checked out; `git switch {wanted}`, or leave it out")
    branch = current or wanted
    if not branch:
        raise CommandError("no branch is checked out (HEAD is detached): `git switch BRANCH`, or give --source-branch")
    return branch


def _save(commit: TaskmasterCommit, copies: Sequence[Copy], say: Say) -> None:
    for copy in copies:
        copy.make()
        show(say, "copied", _names(copy, commit))
    _warn_of_ignored(commit, copies, say)
    changed = commit.changed()
    if changed:
        show(say, "committed", f"{len(changed)} files as {commit.commit()}: {', '.join(changed)}")
    else:
        show(say, "committed", "nothing: no Task Master file has changed")
    if commit.pending():
        show(say, "pushing", f"{commit.branch} to {commit.remote}")
        commit.push()
    else:
        show(say, "pushed", f"nothing: {commit.remote} has it all")


def _show_plan(commit: TaskmasterCommit, copies: Sequence[Copy], say: Say) -> None:
    for copy in copies:
        show(say, "would copy", _names(copy, commit))
    copied = {copy.target.relative_to(commit.checkout.root).as_posix() for copy in copies}
    changed = sorted({*commit.changed(), *copied})
    show(say, "would commit", ", ".join(changed) or "nothing")
    needs_push = bool(changed) or commit.pending()
    show(say, "would push", f"{commit.branch} to {commit.remote}" if needs_push else "nothing")


def _names(copy: Copy, commit: TaskmasterCommit) -> str:
    folder = commit.checkout.path / taskmaster.FOLDER
    return f"{copy.source.relative_to(folder)} to {copy.target.relative_to(folder)}"


def _warn_of_ignored(commit: TaskmasterCommit, copies: Sequence[Copy], say: Say) -> None:
    for copy in copies:
        if commit.checkout.git.ask("check-ignore", "--quiet", "--", str(copy.target)) is not None:
            show(say, "not committed", f"{copy.target.relative_to(commit.checkout.root)}: git ignores it")
