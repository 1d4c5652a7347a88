"""Asks for a code run. No local files are needed: what is not given is taken from git where there is a repository."""

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
    """Asks for the code run that `request` describes; `directory` is where git is asked for what it leaves out.

    Raises CommandError: nothing was asked for, or the server refused it, or it is not known whether it took it.
    """
    ready = asking.prepare(request, KIND)
    found = _found(request.given, directory, remote)
    if "model" not in request.given:
        found["model"] = asking.default_model(KIND, request.environ)
    spec = asking.checked(KIND, request.given, found, say)
    return asking.send(ready, KIND, spec, found, say)


def _found(given: Mapping[str, Any], directory: str, remote: str | None) -> dict[str, InferredValue]:
    """What was not given and the directory tells; it is not looked at where it is not needed."""
    if {"repository_url", "platform_repository_url"} <= given.keys() and {"github_user", "github_app"} & given.keys():
        return {}
    return infer(given, Path(directory), remote)
