"""Builds the spec of a run from a command and the repository's configuration. Pure.

URLs are made from the repository's name and the configured host, never taken from an event. A command cannot name
credentials: its agent must be one that the configuration lists, or the platform's own.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from functions.github.commands.configuration import PATH, Configuration
from functions.github.commands.lines import normalize
from functions.github.commands.parse import OPTIONS, TAKES_TASK, StartRun
from functions.github.markdown import code_span
from functions.runs.model.code_run_spec import TaskDefinition
from functions.runs.model.fields import dns_label
from functions.runs.model.kinds import BY_WORD
from functions.runs.model.run import problems
from functions.runs.model.run_spec import RunSpec
from functions.runs.model.specs import SPECS
from functions.settings.github import GithubSettings
from functions.settings.model import Settings

_TASK = re.compile(
    r"""\btask[\s#:-]{0,3}([0-9]{1,9})
        (?!\w|[^\w\s][0-9])
        (?!(?:\s*[&+,/\u2013-]|\s+(?:and|or|to)\b)+\s*(?:task[\s#:-]{0,3})?[0-9]+(?!\w))""",
    re.IGNORECASE | re.VERBOSE,
)
"""A task in a title, as in `Task 3: log in` or `Task 3 - 2FA`; the 3 of `Task 3.1`, `Task 3, 4` or `Task 3 to 5` is
not one."""
_PART_OF_TASK = re.compile(r"\btask[\s#:-]{0,3}[0-9]", re.IGNORECASE)
"""Something like a task in a title, so that it is not clear what is meant."""


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
    issue: TaskDefinition | None = None
    """The issue, which is the task of /code if neither the command nor the title names one."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A command with all that its spec is made from."""

    command: StartRun
    target: RequestTarget
    configuration: Configuration
    settings: Settings
    identity: Mapping[str, str]


def build_spec(command: StartRun, target: RequestTarget, configuration: Configuration, settings: Settings) -> RunSpec:
    """Return the spec of the run that the command asks for; raise SpecError if there can be none."""
    identity = _identity(command, configuration, settings.github)
    request = _Request(command, target, configuration, settings, identity)
    spec = SPECS[BY_WORD[command.name]]
    values: dict[str, Any] = dict(identity)
    values |= {name: value(request) for name, value in _VALUES.items() if name in spec.model_fields}
    values |= {OPTIONS[command.name][name]: text for name, text in command.options.items() if name != "agent"}
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return spec.model_validate(given, by_name=True, extra="forbid")
    except ValidationError as error:
        raise SpecError("; ".join(_explain(command.name, error)) + ".") from None


def _model(request: _Request) -> str:
    kind = BY_WORD[request.command.name]
    return request.configuration.models.of(kind) or request.settings.models.of(kind)


def _platform(request: _Request) -> str | None:
    """Return the URL of the repository with the task's definition; None if the task is the issue."""
    if _task(request):
        return None
    repository = request.target.repository
    platform = request.configuration.platform_repository or repository
    if platform.partition("/")[0].lower() != repository.partition("/")[0].lower():
        raise SpecError(f"platformRepository in {code_span(PATH)} must belong to the owner of this repository.")
    return _url(request, platform)


def _service(request: _Request) -> str:
    return request.configuration.service or dns_label(request.target.repository.partition("/")[2])


def needs_issue(command: StartRun, title: str) -> bool:
    """Return whether the command is about the issue itself: neither it nor the title names a task."""
    return TAKES_TASK[command.name] and command.task is None and not _task_in(title)


def _task_in(title: str) -> re.Match[str] | None:
    """Return the task that the title names; None without one, or if the first one is a part of a task or of a list."""
    title = normalize(title)
    first = _PART_OF_TASK.search(title)
    return _TASK.match(title, first.start()) if first else None


def _task_id(request: _Request) -> int | str | None:
    """Return the task that the command or the title names; None if the task is the issue."""
    task, title = request.command.task, request.target.title
    in_title = _task_in(title)
    if task or in_title:
        return task or int(in_title[1] if in_title else 0)
    if request.target.issue and not _PART_OF_TASK.search(normalize(title)):
        return None
    example = f"`/{request.command.name} 3`"
    raise SpecError(f"the task is missing: name it in the title, as in `Task 3: ...`, or comment {example}.")


def _task(request: _Request) -> TaskDefinition | None:
    return request.target.issue if needs_issue(request.command, request.target.title) else None


_VALUES: Mapping[str, Callable[[_Request], Any]] = {
    "repository_url": lambda request: _url(request, request.target.repository),
    "model": _model,
    "working_directory": lambda request: request.configuration.working_directory,
    "max_retries": lambda request: request.configuration.max_retries,
    "resources": lambda request: request.configuration.resources,
    "timeout_seconds": lambda request: request.configuration.timeout_seconds,
    "max_turns": lambda request: request.configuration.max_turns,
    "max_cost_usd": lambda request: request.configuration.max_cost_usd,
    "source_branch": lambda request: request.target.branch,
    "branch": lambda request: request.target.branch,
    "platform_repository_url": _platform,
    "service": _service,
    "task_id": _task_id,
    "task": _task,
    "platform_branch": lambda request: request.configuration.platform_branch,
    "platform_directory": lambda request: request.configuration.platform_directory,
    "tool_config": lambda request: request.configuration.tools,
}
"""The values of a spec's fields, for the kinds that have the field; options of the command replace them."""


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
        raise SpecError(f"no agent is configured: set githubApp in {code_span(PATH)}, such as `Acme-Rex`.")
    return {"github_app": app}


def _agent(name: str, configuration: Configuration, github: GithubSettings) -> str:
    """Return the App with that name, or with that part after its last hyphen; raise SpecError if there is none."""
    apps = [app for app in (configuration.github_app, *configuration.agents, github.default_app) if app]
    for app in apps:
        if name.lower() in (app.lower(), app.rsplit("-", 1)[-1].lower()):
            return app
    choice = f"use one of: {', '.join(map(code_span, apps))}" if apps else "none is configured"
    raise SpecError(f"there is no agent {code_span(name)}; {choice}. Add others to `agents` in {code_span(PATH)}.")


def _url(request: _Request, repository: str) -> str:
    """Return the URL of a repository on the configured host: SSH for a user's key, HTTPS for an App's token."""
    host = request.settings.github.host
    if "github_user" in request.identity:
        return f"git@{host.partition(':')[0]}:{repository}.git"
    return f"https://{host}/{repository}.git"


def _explain(command: str, error: ValidationError) -> Iterator[str]:
    """Yield every problem as Markdown, naming the option of the command if there is one for the field.

    A reason may propose another spelling of what people wrote, so that it is in a code span.
    """
    options = {field: name for name, field in OPTIONS[command].items() if name != "agent"}
    for field, reason in problems(error):
        yield code_span(f"{options.get(field) or to_camel(field) or 'the request'}: {reason}")
