"""Builds the spec of a run from a command and the repository's configuration. Pure.

URLs are made from the repository's name and the configured host, never taken from an event. A command cannot name
credentials: its agent must be one that the configuration lists, or the platform's own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from functions.github.commands.configuration import PATH, Configuration
from functions.github.commands.parse import OPTIONS, StartRun
from functions.github.markdown import code_span
from functions.runs.model.kinds import RunKind
from functions.runs.model.run import problems
from functions.runs.model.specs import SPECS, AnySpec
from functions.settings import Settings
from functions.settings.github import GithubSettings

_KINDS = {kind.word: kind for kind in RunKind}
_TASK = re.compile(r"\btask[\s#:-]{0,3}([0-9]{1,9})(?!\w|[.,/:-][0-9])", re.IGNORECASE)
"""A task in a title, as in `Task 3: log in`; the 3 of `Task 3.1` is not one."""


class SpecError(Exception):
    """No run can be started; the text says why, and what to do, in Markdown."""


@dataclass(frozen=True, slots=True)
class RequestTarget:
    """The repository and branch that a command is about."""

    repository: str
    """As `owner/name`."""
    branch: str
    """The branch that work starts from unless the command names one: the default branch, or a pull request's base."""
    title: str = ""
    """The issue's title, which may contain the task's number."""


def build_spec(command: StartRun, target: RequestTarget, configuration: Configuration, settings: Settings) -> AnySpec:
    """Return the spec of the run that the command asks for; raise SpecError if there can be none."""
    values = _common(command, target, configuration, settings)
    is_docs = command.name == "docs"
    values |= _docs(target) if is_docs else _code(command, target, configuration, settings.github, values)
    values |= {OPTIONS[command.name][name]: text for name, text in command.options.items() if name != "agent"}
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return SPECS[_KINDS[command.name]].model_validate(given, by_name=True, extra="forbid")
    except ValidationError as error:
        raise SpecError("; ".join(_explain(command.name, error)) + ".") from None


def _common(
    command: StartRun, target: RequestTarget, configuration: Configuration, settings: Settings
) -> dict[str, Any]:
    identity = _identity(command, configuration, settings.github)
    model = getattr(configuration.models, command.name) or getattr(settings.models, command.name)
    return {
        **identity,
        "repository_url": _url(target.repository, settings.github, "github_user" in identity),
        "model": model,
        "working_directory": configuration.working_directory,
        "max_retries": configuration.max_retries,
        "resources": configuration.resources,
        "timeout_seconds": configuration.timeout_seconds,
        "max_turns": configuration.max_turns,
        "max_cost_usd": configuration.max_cost_usd,
    }


def _docs(target: RequestTarget) -> dict[str, Any]:
    return {"source_branch": target.branch}


def _code(
    command: StartRun,
    target: RequestTarget,
    configuration: Configuration,
    github: GithubSettings,
    common: dict[str, Any],
) -> dict[str, Any]:
    platform = configuration.platform_repository or target.repository
    if platform.partition("/")[0].lower() != target.repository.partition("/")[0].lower():
        raise SpecError(f"platformRepository in {code_span(PATH)} must belong to the owner of this repository.")
    service = command.options.get("service") or configuration.service
    if not service:
        raise SpecError(f"the service is missing: add `service=...`, or set it in {code_span(PATH)}.")
    return {
        "task_id": _task(command, target),
        "service": service,
        "branch": target.branch,
        "platform_repository_url": _url(platform, github, "github_user" in common),
        "platform_branch": configuration.platform_branch,
        "platform_directory": configuration.platform_directory,
        "tool_config": configuration.tools,
    }


def _task(command: StartRun, target: RequestTarget) -> int:
    in_title = _TASK.search(target.title)
    if command.task is None and not in_title:
        raise SpecError("the task is missing: name it in the title, as in `Task 3: ...`, or comment `/code 3`.")
    return command.task or int(in_title[1] if in_title else 0)


def _identity(command: StartRun, configuration: Configuration, github: GithubSettings) -> dict[str, str]:
    """Return the App or user that the agent works as; raise SpecError if there is none."""
    agent = command.options.get("agent")
    if agent:
        return {"github_app": _agent(agent, configuration, github)}
    if configuration.github_user:
        if configuration.github_user.lower() not in (login.lower() for login in github.allowed_users):
            raise SpecError(
                f"githubUser in {code_span(PATH)} may not be {code_span(configuration.github_user)}: the platform's"
                " setting github.allowed_users does not list it."
            )
        return {"github_user": configuration.github_user}
    app = configuration.github_app or github.default_app
    if not app:
        raise SpecError(f"no agent is configured: set githubApp in {code_span(PATH)}, such as `5DLabs-Rex`.")
    return {"github_app": app}


def _agent(name: str, configuration: Configuration, github: GithubSettings) -> str:
    """Return the App with that name, or with that part after its last hyphen; raise SpecError if there is none."""
    apps = [app for app in (configuration.github_app, *configuration.agents, github.default_app) if app]
    for app in apps:
        if name.lower() in (app.lower(), app.rsplit("-", 1)[-1].lower()):
            return app
    choice = f"use one of: {', '.join(map(code_span, apps))}" if apps else "none is configured"
    raise SpecError(f"there is no agent {code_span(name)}; {choice}. Add others to `agents` in {code_span(PATH)}.")


def _url(repository: str, github: GithubSettings, by_ssh: bool) -> str:
    """Return the URL of a repository on the configured host: SSH for a user's key, HTTPS for an App's token."""
    if by_ssh:
        return f"git@{github.host.partition(':')[0]}:{repository}.git"
    return f"https://{github.host}/{repository}.git"


def _explain(command: str, error: ValidationError) -> Iterator[str]:
    """Yield every problem, naming the option of the command if there is one for the field."""
    options = {field: name for name, field in OPTIONS[command].items()}
    for field, reason in problems(error):
        yield f"{options.get(field) or to_camel(field) or 'the request'}: {reason}"
