"""`task_docs` and `task_code`: the same steps as `orchestrator task`, with the same values where none are given."""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from functions.clients.api_url import VARIABLE
from functions.clients.errors import WrongUsage
from functions.clients.mcp.arguments import Arguments, model_from_spec
from functions.clients.mcp.tool import Result, Tool
from functions.clients.output import Say
from functions.clients.tasks import code, docs
from functions.clients.tasks.request import Outcome, Request
from functions.runs.model.specs import SPECS, CodeRunSpec, DocsRunSpec, wire

NOT_OFFERED = frozenset({"cancel", "context_version"})
"""Fields of a spec that mean nothing on a new run: `stop_run` and `retry_run` set them."""

FROM_GIT = "What is not given of the repository, branch and user is taken from git there."
DEFAULTS = {
    "repository_url": "Left out: the remote of `directory`.",
    "github_user": "Left out, without githubApp: git's user.name if that is a GitHub login.",
    "model": "Left out: the configured default.",
    "source_branch": "Left out: the branch that is checked out in `directory`.",
    "branch": "Left out: the remote's default branch, else main.",
    "working_directory": "Left out: where `directory` is in its repository.",
    "platform_repository_url": "Left out: the repository of `directory`, else repositoryUrl.",
    "platform_directory": "Left out: workingDirectory where both repositories are the same, else its root.",
}


class TaskArguments(Arguments):
    """What both have besides the fields of their spec."""

    remote: Annotated[str | None, Field(description="The git remote, where there are several.")] = None
    idempotency_key: Annotated[
        str | None,
        Field(
            description="Any text: a second call with the same key and arguments finds the run of the first.",
            max_length=255,
        ),
    ] = None
    dry_run: Annotated[
        bool, Field(description="Only say what would be asked for; nothing is changed and nobody asked.")
    ] = False

    def request(self, own: set[str]) -> Request:
        """What is asked for; `own` are parameters that are no fields of the spec."""
        given = self.model_dump(mode="json", by_alias=False, exclude_unset=True, exclude_none=True)
        fields = {name: value for name, value in given.items() if name not in own | set(TaskArguments.model_fields)}
        return Request(fields, os.environ.get(VARIABLE), self.idempotency_key, self.dry_run)


class DocsArguments(TaskArguments):
    """Of `task_docs`."""

    directory: Annotated[
        str, Field(description=f"Absolute path of the directory that holds .taskmaster, in a git clone. {FROM_GIT}")
    ]


class CodeArguments(TaskArguments):
    """Of `task_code`."""

    directory: Annotated[
        str | None,
        Field(
            description=f"Absolute path of a directory in a git clone; not needed with all of these given. {FROM_GIT}"
        ),
    ] = None


Docs = model_from_spec(
    DocsRunSpec, DocsArguments, required=(), without={*NOT_OFFERED, "working_directory"}, defaults=DEFAULTS
)
Code = model_from_spec(
    CodeRunSpec, CodeArguments, required=("task_id", "service"), without=NOT_OFFERED, defaults=DEFAULTS
)


def task_docs(given: Any, say: Say) -> Result:
    """Asks for a docs run. Raises CommandError."""
    directory = _directory(given.directory)
    outcome = docs.run(given.request({"directory"}), directory, say, given.remote)
    return _result(outcome, DocsRunSpec.kind, given, directory)


def task_code(given: Any, say: Say) -> Result:
    """Asks for a code run. Raises CommandError."""
    directory = _directory(given.directory) if given.directory is not None else Path.cwd()
    outcome = code.run(given.request({"directory"}), str(directory), say, given.remote)
    return _result(outcome, CodeRunSpec.kind, given, directory)


def _directory(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise WrongUsage(f"directory: {text!r} must be an absolute path")
    if not path.is_dir():
        raise WrongUsage(f"directory: {text!r} is not a directory")
    return path


def _result(outcome: Outcome, kind: str, given: TaskArguments, directory: Path) -> Result:
    facts = {name: value for name, value in outcome.facts.items() if name not in ("spec", "idempotencyKey")}
    used = {
        "directory": str(directory),
        "remote": given.remote,
        "idempotencyKey": outcome.key,
        "dryRun": given.dry_run,
        **wire(SPECS[kind].model_validate(outcome.spec)),
    }
    parameters = {name: value for name, value in used.items() if value is not None and name not in ("cancel",)}
    return Result(_summary(outcome, kind), parameters, facts)


def _summary(outcome: Outcome, kind: str) -> str:
    accepted = outcome.accepted
    if accepted is None:
        return f"Nothing was changed. This {kind} would be asked for."
    verb = "was made by an earlier request with this idempotencyKey" if accepted.repeated else "is accepted"
    return f"{accepted.kind} {accepted.name} {verb} and works by itself; see it with get_run."


TASK_TOOLS: list[Tool[Any]] = [
    Tool(
        "task_docs",
        "Has an agent document the Task Master tasks of a directory. Copies .taskmaster/tasks/task_NNN.txt to "
        ".taskmaster/docs/task-N/task.txt, commits and pushes what has changed in .taskmaster (nothing else), and "
        "submits a docs run. Its result is a pull request to the branch that is checked out. Returns at once; the "
        "run takes minutes to hours.",
        Docs,
        task_docs,
    ),
    Tool(
        "task_code",
        "Has an agent implement one Task Master task. Changes no local files. Its result is a pull request to "
        "`branch`. Returns at once; the run takes minutes to hours. Without an idempotencyKey a task "
        "that an unfinished run is at work on is refused.",
        Code,
        task_code,
    ),
]
