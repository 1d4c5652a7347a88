"""The spec of a run that is asked for, checked before anything is changed and anybody is asked.

The models of the specs (functions/runs/model/specs.py) take longer to import than all else the command does. So what
most people give, texts, is checked by the rules of their fields alone, which are the models' own. Whatever else is
given, and whatever breaks a rule, goes to the models, which also say what is wrong. A test holds this to the models.
"""

from collections.abc import Mapping
from typing import Any

from functions.clients.errors import WrongUsage
from functions.runs.model import fields

_BOTH: Mapping[str, Any] = {
    "repository_url": fields.RepositoryUrl,
    "working_directory": fields.WorkingDirectory,
    "model": fields.Model,
    "github_user": fields.GithubUser,
    "github_app": fields.GithubApp,
}
PLAIN: Mapping[str, Mapping[str, Any]] = {
    "DocsRun": {**_BOTH, "source_branch": fields.Branch},
    "CodeRun": {
        **_BOTH,
        "task_id": range(1, fields.INT32 + 1),
        "service": fields.DnsLabel,
        "platform_repository_url": fields.RepositoryUrl,
        "platform_branch": fields.Branch,
        "platform_directory": fields.WorkingDirectory,
        "branch": fields.Branch,
    },
}
"""Fields of each kind that one rule each decides, in the order of the models."""

NEEDED: Mapping[str, frozenset[str]] = {
    "DocsRun": frozenset({"repository_url", "model", "source_branch"}),
    "CodeRun": frozenset({"repository_url", "model", "task_id", "service", "platform_repository_url"}),
}
"""What the spec of each kind must have."""


def spec(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The spec as it is sent, of fields in snake_case. Raises WrongUsage, naming every option that is wrong."""
    if passes_fast_rules(kind, values):
        return {camel(name): values[name] for name in PLAIN[kind] if name in values}
    return _by_the_models(kind, values)


def passes_fast_rules(kind: str, values: Mapping[str, Any]) -> bool:
    """Whether the models would take it; also False where that is not seen from the rules of single fields."""
    return (
        values.keys() >= NEEDED[kind]
        and len({"github_user", "github_app"} & values.keys()) == 1
        and all(name in PLAIN[kind] and _keeps(PLAIN[kind][name], value) for name, value in values.items())
        and values["model"].startswith("claude-")  # what the agent CLI takes, which is claude where none is given
    )


def _keeps(rule: Any, value: Any) -> bool:
    if isinstance(rule, range):
        return type(value) is int and value in rule
    return isinstance(value, str) and fields.is_valid(rule, value)


def camel(field: str) -> str:
    """The name of a field on the wire."""
    first, *others = field.split("_")
    return "".join([first, *(word.title() for word in others)])


def kebab(field: str) -> str:
    """The option of a field, by its name on the wire or in Python: `--task-id` for taskId and task_id."""
    words = "".join(f"-{each.lower()}" if each.isupper() else each for each in field.replace("_", "-"))
    return f"--{words}"


def _by_the_models(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    from pydantic import ValidationError

    from functions.runs.model.specs import SPECS

    try:
        found = SPECS[kind].model_validate(values, strict=True, extra="forbid", by_alias=False, by_name=True)
    except ValidationError as error:
        from functions.runs.model.run import problems

        named = [f"{kebab(at) if at else 'options'}: {why}" for at, why in problems(error)]
        raise WrongUsage("\n".join(named)) from None
    return found.model_dump(mode="json", by_alias=True, exclude_unset=True)
