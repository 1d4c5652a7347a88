"""From what people ask for, and what their repository configures, to the spec of a run. Pure.

Where a repository is, is made from its name and the configured host, never taken from what was sent. A comment names
nobody's credentials: an agent must be one of those that the repository's configuration names, or the platform's own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from functions.github.commands.configuration import PATH, Configuration
from functions.github.commands.parse import OPTIONS, StartRun
from functions.github.markdown import code
from functions.runs.model.kinds import RunKind
from functions.runs.model.run import problems
from functions.runs.model.specs import SPECS, RunSpec
from functions.settings import Settings
from functions.settings.github import GithubSettings

_KINDS = {kind.word: kind for kind in RunKind}
_TASK = re.compile(r"\btask[\s#:-]{0,3}([0-9]{1,9})\b", re.IGNORECASE | re.ASCII)
"""In a title, as in `Task 3: log in`."""


class SpecError(Exception):
    """No run can be made of it; the text says why, in Markdown, and what to do."""


@dataclass(frozen=True, slots=True)
class RequestTarget:
    """Where something is asked for."""

    repository: str
    """As in `acme/shop`."""
    branch: str
    """That the work starts from where no other is named: the default branch, or the one a pull request goes to."""
    title: str = ""
    """Of the issue, where the task may be named in it."""


def build_spec(work: StartRun, place: RequestTarget, configuration: Configuration, settings: Settings) -> RunSpec:
    """What is to be run. Raises Unclear."""
    values = _common(work, place, configuration, settings)
    values |= _docs(place) if work.word == "docs" else _code(work, place, configuration, settings.github, values)
    values |= {OPTIONS[work.word][name]: text for name, text in work.options.items() if name != "agent"}
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return SPECS[_KINDS[work.word]].model_validate(given, by_name=True, extra="forbid")
    except ValidationError as error:
        raise SpecError("; ".join(_explained(work.word, error)) + ".") from None


def _common(work: StartRun, place: RequestTarget, configuration: Configuration, settings: Settings) -> dict[str, Any]:
    identity = _identity(work, configuration, settings.github)
    model = getattr(configuration.models, work.word) or getattr(settings.models, work.word)
    return {
        **identity,
        "repository_url": _url(place.repository, settings.github, "github_user" in identity),
        "model": model,
        "working_directory": configuration.working_directory,
        "max_retries": configuration.max_retries,
        "timeout_seconds": configuration.timeout_seconds,
        "max_turns": configuration.max_turns,
        "max_cost_usd": configuration.max_cost_usd,
    }


def _docs(place: RequestTarget) -> dict[str, Any]:
    return {"source_branch": place.branch}


def _code(
    work: StartRun, place: RequestTarget, configuration: Configuration, github: GithubSettings, common: dict[str, Any]
) -> dict[str, Any]:
    platform = configuration.platform_repository or place.repository
    if platform.partition("/")[0].lower() != place.repository.partition("/")[0].lower():
        raise SpecError(f"platformRepository in {code(PATH)} must be a repository of the owner of this one.")
    service = work.options.get("service") or configuration.service
    if not service:
        raise SpecError(f"the service is missing: add `service=...`, or set it in {code(PATH)}.")
    return {
        "task_id": _task(work, place),
        "service": service,
        "branch": place.branch,
        "platform_repository_url": _url(platform, github, "github_user" in common),
        "platform_branch": configuration.platform_branch,
        "platform_directory": configuration.platform_directory,
        "tool_config": configuration.tools,
    }


def _task(work: StartRun, place: RequestTarget) -> int:
    named = _TASK.search(place.title)
    if work.task is None and not named:
        raise SpecError("the task is missing: name it in the title, as in `Task 3: ...`, or comment `/code 3`.")
    return work.task or int(named[1] if named else 0)


def _identity(work: StartRun, configuration: Configuration, github: GithubSettings) -> dict[str, str]:
    """Who works. Raises Unclear."""
    asked = work.options.get("agent")
    if asked:
        return {"github_app": _agent(asked, configuration, github)}
    if configuration.github_user:
        if configuration.github_user.lower() not in (login.lower() for login in github.allowed_users):
            raise SpecError(
                f"githubUser in {code(PATH)} may not be {code(configuration.github_user)}: the platform's setting"
                " github.allowed_users does not name it."
            )
        return {"github_user": configuration.github_user}
    app = configuration.github_app or github.default_app
    if not app:
        raise SpecError(f"nobody is named who works: set githubApp in {code(PATH)}, such as `5DLabs-Rex`.")
    return {"github_app": app}


def _agent(asked: str, configuration: Configuration, github: GithubSettings) -> str:
    """The App that is meant, by its whole name or by what follows its last hyphen. Raises Unclear."""
    apps = [app for app in (configuration.github_app, *configuration.agents, github.default_app) if app]
    for app in apps:
        if asked.lower() in (app.lower(), app.rsplit("-", 1)[-1].lower()):
            return app
    known = f"there {'is' if len(apps) == 1 else 'are'} {', '.join(map(code, apps))}" if apps else "there is none"
    raise SpecError(f"there is no agent {code(asked)} here; {known}. Others are named by `agents` in {code(PATH)}.")


def _url(repository: str, github: GithubSettings, by_ssh: bool) -> str:
    """Of a repository on the configured host: by SSH for a person's key, by HTTPS for an App's token."""
    if by_ssh:
        return f"git@{github.host.partition(':')[0]}:{repository}.git"
    return f"https://{github.host}/{repository}.git"


def _explained(word: str, error: ValidationError) -> Iterator[str]:
    """Every problem, named by the option that people know the field by."""
    options = {field: name for name, field in OPTIONS[word].items()}
    for field, why in problems(error):
        yield f"{options.get(field) or to_camel(field) or 'the request'}: {why}"
