"""The options of `task docs` and `task code`: one for each field of the spec, in kebab-case, made from its model."""

from collections.abc import Iterable, Iterator, Mapping
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from functions.clients.api_url import VARIABLE
from functions.clients.errors import WrongUsage
from functions.runs.model.run_spec import RequestedResources, RunSpec

NOT_OPTIONS = ("cancel", "task")
"""Fields without an option: a new run is not cancelled, and a task is given by --issue or --prompt."""

SHORT = {"working_directory": "-w", "service": "-s"}
"""Fields whose option has a short form too."""


def option(words: str, *names: str, **settings: Any) -> click.Option:
    """Return an option with this help text."""
    return click.Option(names, help=words, **settings)


REQUEST_OPTIONS = (
    option("The git remote, if it is ambiguous.", "--remote"),
    option(
        "URL of the submit functions: https://HOST (the function's name is added), a URL with {function} in it, "
        "or submit_docs=URL,submit_code=URL.",
        "--api-url",
        envvar=VARIABLE,
        show_envvar=True,
    ),
    option(
        "Find the run of an earlier request with this key; with a new key, a second run of the same task is allowed.",
        "--idempotency-key",
    ),
    option("Only show what would be done; change and send nothing.", "--dry-run", is_flag=True),
)
"""Options of both commands that are not fields of the spec."""


def spec_options(spec: type[RunSpec], *without: str) -> Iterator[click.Option]:
    """Yield an option for each field of the spec but those named, in the order of the model."""
    for name, field in spec.model_fields.items():
        if name not in (*without, *NOT_OPTIONS):
            yield _field_option(name, field)


def _field_option(name: str, field: FieldInfo) -> click.Option:
    kind = _plain_type(field.annotation)
    names = [*([SHORT[name]] if name in SHORT else []), f"--{name.replace('_', '-')}"]
    settings: dict[str, Any] = {}
    if name == "env":
        settings |= {"multiple": True, "metavar": "NAME=VALUE"}
    elif name == "resources":
        settings |= {"multiple": True, "metavar": "NAME=AMOUNT"}
    elif get_origin(kind) is list:
        settings |= {"multiple": True}
    elif kind is bool:
        settings |= {"is_flag": True, "default": None}
    elif get_origin(kind) is Literal:
        settings |= {"type": click.Choice(get_args(kind))}
    elif kind in (int, float):
        settings |= {"type": kind}
    return option(field.description or "", *names, **settings)


def _plain_type(annotation: Any) -> Any:
    """Return the type without None and without rules."""
    choices = [kind for kind in get_args(annotation) if kind is not NoneType]
    if get_origin(annotation) is Annotated:
        return _plain_type(choices[0])
    if NoneType in get_args(annotation):
        return _plain_type(choices[0])
    return annotation


def fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given options as fields of the spec in snake_case.

    Raises:
        WrongUsage: a value of --env or --resources has no `=`, or --resources names none that there is.
    """
    given = {name: value for name, value in values.items() if value not in (None, ())}
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    for name, read in {"env": environment, "resources": resources}.items():
        if name in values:
            values = {**values, name: read(values[name])}
    return values


def resources(given: Iterable[str]) -> dict[str, str]:
    """Return the values of --resources as the field `resources`, in snake_case.

    Raises:
        WrongUsage: a value is not NAME=AMOUNT with a name that there is.
    """
    pairs = dict(text.partition("=")[::2] for text in given)
    names = {name.replace("_", "-"): name for name in RequestedResources.model_fields}
    if not all(name in names and amount for name, amount in pairs.items()):
        raise WrongUsage(
            f"--resources: must be NAME=AMOUNT with one of {', '.join(names)}; it may be given several times"
        )
    return {names[name]: amount for name, amount in pairs.items()}


def environment(given: Iterable[str]) -> list[dict[str, str]]:
    """Return the values of --env as the field `env`.

    Raises:
        WrongUsage: a value has no `=`.
    """
    pairs = [text.partition("=") for text in given]
    if not all(equals for _, equals, _ in pairs):
        raise WrongUsage("--env: must be NAME=VALUE; it may be given several times")
    return [{"name": name, "value": value} for name, _, value in pairs]
