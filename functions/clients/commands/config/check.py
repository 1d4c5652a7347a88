"""Print the effective settings without secrets, and every problem; with a problem the exit code is 1.

The settings are those of the functions: of FILE, else of the file that ORCHESTRATOR_CONFIG names, and of variables.
Files that a setting names must exist here: run the command in the function's pod, or give their contents as variables.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from functions.clients.api_url import FUNCTIONS, VARIABLE, function_url
from functions.clients.errors import CommandError
from functions.clients.options import output_option
from functions.clients.output import Output, columns, write
from functions.clients.settings import load_settings, unknown_endpoints
from functions.settings.model import Settings
from functions.templating import completeness

HIDDEN = "**********"
"""Stands for a secret, as pydantic writes one."""


@click.command(help=__doc__)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@output_option
def command(file: Path | None, output: Output) -> None:
    """Check the settings."""
    settings = load_settings(file)
    shown = visible(settings)
    write(output, shown, lambda: columns(list(_flat(shown)), longest=None))
    problems = [*_problems(settings), *_client_problems(os.environ)]
    if problems:
        raise CommandError("\n".join(problems))


def visible(section: BaseModel) -> dict[str, Any]:
    """Return the settings as JSON types, with secrets, fields marked repr=False and passwords in URLs masked."""
    dumped = _without_passwords(section.model_dump(mode="json"))
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            dumped[name] = visible(value)
        elif not field.repr:
            dumped[name] = _masked(dumped[name])
    return dict(dumped)


def _masked(value: Any) -> Any:
    match value:
        case dict():
            return {key: _masked(item) for key, item in value.items()}
        case list():
            return [_masked(item) for item in value]
        case _:
            return HIDDEN if value else value


def _without_passwords(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_passwords(item) for key, item in value.items()}
        case list():
            return [_without_passwords(item) for item in value]
        case str():
            return re.sub(r"://[^/@\s]*:[^/@\s]*@", f"://{HIDDEN}@", value)
        case _:
            return value


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value if isinstance(value, str) else json.dumps(value)


def _problems(settings: Settings) -> Iterator[str]:
    """Yield problems that a function would only find at its first request."""
    yield from completeness.problems(settings.templates)
    kubeconfig = settings.cluster.kubeconfig
    if kubeconfig and not Path(kubeconfig).is_file():
        yield f"setting cluster.kubeconfig: {kubeconfig} does not exist"
    yield from filter(None, [unknown_endpoints(settings.queues)])
    unreachable = settings.access.unreachable_entries(settings.auth)
    if unreachable:
        yield f"setting access.callers: no caller matches {', '.join(unreachable)} with auth.mode {settings.auth.mode}"


def _client_problems(environ: Mapping[str, str]) -> Iterator[str]:
    for kind in FUNCTIONS if environ.get(VARIABLE) else ():
        try:
            function_url(environ[VARIABLE], kind)
        except CommandError as error:
            yield str(error)
