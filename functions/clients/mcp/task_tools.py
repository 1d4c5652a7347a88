"""Tools `task_docs` and `task_code`: the same steps and inferred values as `orchestrator task`."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from functions.clients.api_url import VARIABLE
from functions.clients.errors import WrongUsage
from functions.clients.mcp.arguments import Arguments, model_from_spec
from functions.clients.mcp.tool import Result, Tool
from functions.clients.output import Say
from functions.clients.tasks import submit_code, submit_docs
from functions.clients.tasks.request import Outcome, Request
from functions.runs.model.api_model import wire
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.docs_run_spec import DocsRunSpec
from functions.runs.model.specs import SPECS

NOT_OFFERED = frozenset({"cancel", "context_version"})
"""Fields of a spec without meaning for a new run; `stop_run` and `retry_run` set them."""

FROM_GIT = "Missing values of repository, branch and user are inferred from git there."
DEFAULTS = {
    "repository_url": "Default: the remote of `directory`.",
    "github_user": "Default, without githubApp: git's user.name if that is a GitHub login.",
    "service": "Default: the repository's name.",
    "model": "Default: the configured one.",
    "source_branch": "Default: the branch that is checked out in `directory`.",
    "branch": "Default: the remote's default branch, else main.",
    "working_directory": "Default: where `directory` is in its repository.",
    "platform_repository_url": "Default: the repository of `directory`, else repositoryUrl.",
    "platform_directory": "Default: workingDirectory if both repositories are the same, else its root.",
}


class TaskArguments(Arguments):
    """Arguments of both tools besides the fields of the spec."""

    remote: Annotated[str | None, Field(description="The git remote, if there are several.")] = None
    idempotency_key: Annotated[
        str | None,
        Field(
            description="Any text: a second call with the same key and arguments returns the run of the first.",
            max_length=255,
        ),
    ] = None
    dry_run: Annotated[bool, Field(description="Only show what would be submitted; change and send nothing.")] = False

    def request(self, own: set[str]) -> Request:
        """Return the request; `own` are parameters that are not fields of the spec."""
        given = self.model_dump(mode="json", by_alias=False, exclude_unset=True, exclude_none=True)
        fields = {name: value for name, value in given.items() if name not in own | set(TaskArguments.model_fields)}
        return Request(fields, os.environ.get(VARIABLE), self.idempotency_key, self.dry_run)


class DocsArguments(TaskArguments):
    """Arguments of `task_docs`."""

    directory: Annotated[
        str | None,
        Field(
            description="Absolute path of the directory that holds .taskmaster, in a git clone. "
            f"Default: the server's current directory. {FROM_GIT}"
        ),
    ] = None
    working_directory: Annotated[
        str | None, Field(description="The same as a path relative to `directory`, or absolute in its place.")
    ] = None


class CodeArguments(TaskArguments):
    """Of `task_code`."""

    directory: Annotated[
        str | None,
        Field(
            description=f"Absolute path of a directory in a git clone; not needed with all of these given. {FROM_GIT}"
        ),
    ] = None
    issue: Annotated[
        int | None, Field(description="Number of the repository's issue that is the task, in place of taskId.", ge=1)
    ] = None
    prompt: Annotated[
        str | None, Field(description="The task in your own words, in place of taskId.", max_length=32_000)
    ] = None


Docs = model_from_spec(DocsRunSpec, DocsArguments, required=(), without=NOT_OFFERED, defaults=DEFAULTS)
Code = model_from_spec(CodeRunSpec, CodeArguments, required=(), without={*NOT_OFFERED, "task"}, defaults=DEFAULTS)


def task_docs(given: Any, say: Say) -> Result:
    """Submit a docs run.

    Raises:
        CommandError: see `docs.run`.
    """
    directory = _directory(given.directory) if given.directory is not None else Path.cwd()
    if given.working_directory is not None:
        directory = _directory(str(directory / Path(given.working_directory).expanduser()), "workingDirectory")
    outcome = submit_docs.run(given.request({"directory", "working_directory"}), directory, say, given.remote)
    return _result(outcome, DocsRunSpec.kind, given, directory)


def task_code(given: Any, say: Say) -> Result:
    """Submit a code run.

    Raises:
        CommandError: see `code.run`.
    """
    directory = _directory(given.directory) if given.directory is not None else Path.cwd()
    if [given.task_id, given.issue, given.prompt].count(None) != 2:
        raise WrongUsage("give exactly one of taskId, issue and prompt")
    request = given.request({"directory", "issue", "prompt"})
    own = {} if given.prompt is None else {"task": submit_code.prompt_as_task(given.prompt)}
    request = replace(request, given={**request.given, **own}, issue=given.issue)
    outcome = submit_code.run(request, str(directory), say, given.remote)
    return _result(outcome, CodeRunSpec.kind, given, directory)


def _directory(text: str, argument: str = "directory") -> Path:
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise WrongUsage(f"{argument}: {text!r} must be an absolute path")
    if not path.is_dir():
        raise WrongUsage(f"{argument}: {text!r} is not a directory")
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
        return f"Nothing was changed. This {kind} would be submitted."
    verb = "was created by an earlier request with this idempotencyKey" if accepted.repeated else "is accepted"
    return f"{accepted.kind} {accepted.name} {verb} and continues by itself; follow it with get_run."


TASK_TOOLS: list[Tool[Any]] = [
    Tool(
        "task_docs",
        "Let an agent document the Task Master tasks of a directory. Copies .taskmaster/tasks/task_NNN.txt to "
        ".taskmaster/docs/task-N/task.txt, commits and pushes what has changed in .taskmaster (nothing else), and "
        "submits a docs run. Its result is a branch, and with a GitHub App a pull request to the branch that is "
        "checked out. Returns at once; the run takes minutes to hours.",
        Docs,
        task_docs,
    ),
    Tool(
        "task_code",
        "Let an agent implement one task: of Task Master, an issue, or a prompt. Changes no local files. "
        "Its result is a branch, and with a GitHub App a pull request to `branch`. Returns at once; the run takes "
        "minutes to hours. Without an idempotencyKey a task with an unfinished run is refused.",
        Code,
        task_code,
    ),
]
