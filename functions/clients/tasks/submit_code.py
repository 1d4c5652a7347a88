"""Submit a code run. Missing values are inferred from the git repository of a directory; it may be absent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from functions.clients.output import Say
from functions.clients.tasks import request as asking
from functions.clients.tasks.inferred import infer
from functions.clients.tasks.inferred_value import InferredValue
from functions.clients.tasks.request import Outcome, Request
from functions.runs.model.kinds import RunKind

KIND = RunKind.CODE


def run(request: Request, directory: str, say: Say, remote: str | None = None) -> Outcome:
    """Submit the code run that `request` describes; missing values are inferred from git in `directory`.

    Raises:
        CommandError: a value is missing or wrong, the server rejected the request, or its result is unknown.
    """
    prepared = asking.prepare(request, KIND)
    inferred = _infer(request.given, directory, remote)
    if "model" not in request.given:
        inferred["model"] = asking.default_model(KIND, request.environ)
    spec = asking.validate_spec(KIND, request.given, inferred, say)
    return asking.send(prepared, KIND, spec, inferred, say)


def _infer(given: Mapping[str, Any], directory: str, remote: str | None) -> dict[str, InferredValue]:
    """Return the missing values; the directory is not read if all are given."""
    if {"repository_url", "platform_repository_url"} <= given.keys() and {"github_user", "github_app"} & given.keys():
        return {}
    return infer(given, Path(directory), remote)
