"""Asks for a docs run of a directory, after its Task Master files are where agents can read them.

The order matters: everything that can be wrong is looked at before anything is changed, the tasks' texts are copied
before the commit that is to hold them, and the run is asked for once the remote has that commit. Each step finds what
an earlier try left and goes on from there.
"""

from collections.abc import Sequence
from pathlib import Path

from functions.clients.errors import CommandError, WrongUsage
from functions.clients.output import Say
from functions.clients.tasks import request as asking
from functions.clients.tasks import taskmaster
from functions.clients.tasks.checkout import Checkout
from functions.clients.tasks.commit_and_push import TaskmasterCommit
from functions.clients.tasks.inferred_value import InferredValue
from functions.clients.tasks.request import Outcome, Request, show
from functions.clients.tasks.taskmaster import Copy
from functions.runs.model.kinds import RunKind

KIND = RunKind.DOCS


def run(request: Request, directory: Path, say: Say, remote: str | None = None) -> Outcome:
    """Asks for the docs run of `directory` that `request` describes, after its local steps.

    Raises CommandError: it says what was done before; nothing was asked for unless the error is of the server.
    """
    ready = asking.prepare(request, KIND)
    checkout = Checkout.of(directory)
    count = taskmaster.tasks(checkout.path)
    saving, found = _found(request, checkout, remote)
    saving.check()
    copies = taskmaster.copies(checkout.path)
    spec = asking.checked(KIND, request.given, found, say)
    show(say, "tasks", f"{count} in {checkout.below(taskmaster.TASKS)}")
    if request.dry_run:
        _tell(saving, copies, say)
    else:
        _save(saving, copies, say)
    return asking.send(ready, KIND, spec, found, say)


def _found(
    request: Request, checkout: Checkout, remote: str | None
) -> tuple[TaskmasterCommit, dict[str, InferredValue]]:
    """Where the files go, and the fields of the spec that were not given."""
    here, given = checkout.branch(), request.given
    branch = _branch(here, given.get("source_branch"))
    origin = checkout.remote(remote, here)
    found = {
        "repository_url": checkout.url(origin.value) if "repository_url" not in given else None,
        "source_branch": InferredValue(branch, "the branch that is checked out"),
        "working_directory": InferredValue(checkout.directory, "where it is in the repository"),
        "github_user": None if {"github_user", "github_app"} & given.keys() else checkout.login(),
        "model": None if "model" in given else asking.default_model(KIND, request.environ),
    }
    kept = {name: value for name, value in found.items() if value is not None and name not in given}
    return TaskmasterCommit(checkout, origin.value, branch), kept


def _branch(here: str | None, wanted: str | None) -> str:
    if here and wanted and here != wanted:
        raise WrongUsage(f"--source-branch {wanted}: {here} is checked out; `git switch {wanted}`, or leave it out")
    branch = here or wanted
    if not branch:
        raise CommandError("no branch is checked out (HEAD is detached): `git switch BRANCH`, or give --source-branch")
    return branch


def _save(saving: TaskmasterCommit, copies: Sequence[Copy], say: Say) -> None:
    for each in copies:
        each.make()
        show(say, "copied", _names(each, saving))
    _warn_of_ignored(saving, copies, say)
    changed = saving.changed()
    if changed:
        show(say, "committed", f"{len(changed)} files as {saving.commit()}: {', '.join(changed)}")
    else:
        show(say, "committed", "nothing: no Task Master file has changed")
    if saving.pending():
        show(say, "pushing", f"{saving.branch} to {saving.remote}")
        saving.push()
    else:
        show(say, "pushed", f"nothing: {saving.remote} has it all")


def _tell(saving: TaskmasterCommit, copies: Sequence[Copy], say: Say) -> None:
    for each in copies:
        show(say, "would copy", _names(each, saving))
    copied = {each.target.relative_to(saving.checkout.root).as_posix() for each in copies}
    changed = sorted({*saving.changed(), *copied})
    show(say, "would commit", ", ".join(changed) or "nothing")
    goes = bool(changed) or saving.pending()
    show(say, "would push", f"{saving.branch} to {saving.remote}" if goes else "nothing")


def _names(copy: Copy, saving: TaskmasterCommit) -> str:
    folder = saving.checkout.path / taskmaster.FOLDER
    return f"{copy.source.relative_to(folder)} to {copy.target.relative_to(folder)}"


def _warn_of_ignored(saving: TaskmasterCommit, copies: Sequence[Copy], say: Say) -> None:
    for each in copies:
        if saving.checkout.git.ask("check-ignore", "--quiet", "--", str(each.target)) is not None:
            show(say, "not committed", f"{each.target.relative_to(saving.checkout.root)}: git ignores it")
