"""The options of `task docs` and `task code`: the fields of their specs in kebab-case, each once.

They are data, from which Typer is given a signature, since the models of the specs are too slow to import for
`--help`. A test compares both: every field has its option, with the same words.
"""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from functions.clients.failing import WrongUsage

Options = Mapping[str, Any]
"""Field of a spec, in snake_case, to the annotated type of its option."""


def _option(kind: Any, words: str, *names: str) -> Any:
    return Annotated[kind, typer.Option(*names, help=words)]


FIRST: Options = {
    "model": _option(str | None, "Full model name, passed verbatim."),
    "github_user": _option(str | None, "GitHub login whose SSH key is used."),
    "github_app": _option(str | None, "GitHub App, such as 5DLabs-Rex; its last part names the agent."),
    "repository_url": _option(str | None, "Repository the work happens in."),
}
LAST: Options = {
    "agent_cli": _option(str | None, "Program that works: a directory of templates/."),
    "env": _option(list[str] | None, "Environment variables for the agent.", "--env"),
    "env_from_secrets": _option(list[str] | None, "Secrets whose keys become environment variables."),
    "timeout_seconds": _option(int | None, "Longest an attempt may take."),
    "max_retries": _option(int | None, "Automatic retries after failed attempts."),
    "ttl_seconds_after_finished": _option(int | None, "How long a finished Job is kept."),
    "priority": _option(int | None, "Higher is admitted first."),
    "max_turns": _option(int | None, "Most turns of the agent."),
    "max_cost_usd": _option(float | None, "Most the agent may spend, in US dollars."),
}
DOCS: Options = {
    "working_directory": _option(Path, "Directory that holds .taskmaster.", "--working-directory", "-w"),
    **FIRST,
    "source_branch": _option(str | None, "Branch to document; the pull request goes back to it."),
    **LAST,
}
CODE: Options = {
    "task_id": Annotated[int, typer.Argument(metavar="TASK_ID", help="Task Master task.")],
    "service": _option(str, "Service the work is for; owns the workspace.", "--service", "-s"),
    **FIRST,
    "branch": _option(str | None, "Base of the work and of the pull request."),
    "working_directory": _option(str | None, "Directory of the repository to work in.", "--working-directory", "-w"),
    "platform_repository_url": _option(str | None, "Repository the Task Master definitions come from."),
    "platform_branch": _option(str | None, "Its branch; default: that repository's default branch."),
    "platform_directory": _option(str | None, "Directory there that holds .taskmaster."),
    "tool_config": _option(Literal["minimal", "default", "advanced"] | None, "Preset of MCP tools."),
    "remote_tools": _option(str | None, "Remote MCP tools, comma separated; replaces the preset's."),
    "local_tools": _option(str | None, "Local MCP tools, comma separated; replaces the preset's."),
    "prompt_modification": _option(str | None, "What a person adds to the prompt."),
    "prompt_mode": _option(Literal["append", "replace"] | None, "Whether it is added to the prompt or replaces it."),
    "continue_session": _option(bool | None, "Take up the last session of the workspace.", "--continue-session"),
    "context_version": _option(int | None, "Raised by each person's retry."),
    **LAST,
}

Command = Callable[..., None]


def options(fields: Options) -> Callable[[Command], Command]:
    """Gives a command, whose last parameter is `**given`, an option for each field; those not given are left out."""

    def decorate(command: Command) -> Command:
        own = _own(command)

        def called(**values: Any) -> None:
            given = {name: value for name, value in values.items() if name not in own and value not in (None, [])}
            command(**{name: values[name] for name in own}, **given)

        called.__name__, called.__doc__ = command.__name__, command.__doc__
        found = {name: _parameter(name, annotation, own) for name, annotation in fields.items()}
        called.__dict__["__signature__"] = inspect.Signature(list({**found, **own, **found}.values()))
        return called

    return decorate


def _own(command: Command) -> dict[str, inspect.Parameter]:
    found = inspect.signature(command).parameters.values()
    return {each.name: each.replace(kind=each.KEYWORD_ONLY) for each in found if each.kind is not each.VAR_KEYWORD}


def _parameter(name: str, annotation: Any, own: Mapping[str, inspect.Parameter]) -> inspect.Parameter:
    if name in own:
        default = own[name].default
    else:
        default = inspect.Parameter.empty if annotation.__origin__ in (int, str) else None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def environment(given: list[str]) -> list[dict[str, str]]:
    """`NAME=VALUE` of each --env as the spec has it. Raises WrongUsage for one without `=`."""
    pairs = [each.partition("=") for each in given]
    if not all(equals for _, equals, _ in pairs):
        raise WrongUsage("--env: must be NAME=VALUE; it may be given several times")
    return [{"name": name, "value": value} for name, _, value in pairs]
