"""Asks for a code run. No local files are needed: what is not given is taken from git where there is a repository."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from functions.clients.failing import CommandError, WrongUsage
from functions.clients.output import Say
from functions.clients.tasks import request as asking
from functions.clients.tasks.checkout import Checkout, Value
from functions.clients.tasks.request import Outcome, Request
from functions.clients.tasks.taskmaster import FOLDER, TASKS

KIND = "CodeRun"


def run(request: Request, directory: Path, say: Say, remote: str | None = None) -> Outcome:
    """Asks for the code run that `request` describes; `directory` is where git is asked for what it leaves out.

    Raises CommandError: nothing was asked for, or the server refused it, or it is not known whether it took it.
    """
    ready = asking.ready(request, KIND)
    found = found_for(request.given, directory, remote)
    if "model" not in request.given:
        found["model"] = asking.default_model(KIND, request.environ)
    spec = asking.checked(KIND, request.given, found, say)
    return asking.send(ready, spec, found, say)


def found_for(given: Mapping[str, Any], directory: Path, remote: str | None) -> dict[str, Value]:
    """What git in `directory` tells of the fields that were not given. Raises CommandError for one it cannot tell."""
    found: dict[str, Value] = {}
    if "repository_url" not in given:
        found |= _of_here(given, directory, remote)
    if "platform_repository_url" not in given:
        found |= _platform(given, found, directory, remote)
    if "github_user" not in given and "github_app" not in given:
        found["github_user"] = _checkout(directory, "--github-user or --github-app").login()
    return found


def _of_here(given: Mapping[str, Any], directory: Path, remote: str | None) -> dict[str, Value]:
    """The repository of `directory`, the directory in it, and the branch its remote calls the default one."""
    checkout = _checkout(directory, "--repository-url")
    origin = checkout.remote(remote, checkout.branch()).value
    found = {"repository_url": checkout.url(origin)}
    base = checkout.default_branch(origin)
    if "branch" not in given and base:
        found["branch"] = base
    if "working_directory" not in given and checkout.directory != ".":
        found["working_directory"] = Value(checkout.directory, "this directory")
    home = _nearest(checkout)
    asked = {"platform_repository_url", "platform_directory"} & given.keys()
    if home is not None and not asked and home != given.get("working_directory", checkout.directory):
        found["platform_directory"] = Value(home, f"where {FOLDER} is")
    return found


def _nearest(checkout: Checkout) -> str | None:
    """The directory with Task Master's files that is nearest, from this one up to the root."""
    inside = PurePosixPath(checkout.directory)
    found = [each for each in (inside, *inside.parents) if (checkout.root / each / TASKS).is_file()]
    return str(found[0]) if found else None


def _platform(
    given: Mapping[str, Any], found: Mapping[str, Value], directory: Path, remote: str | None
) -> dict[str, Value]:
    """The repository of `directory` if that has Task Master's files, else the one the work happens in."""
    if "repository_url" in given and (directory / FOLDER).is_dir():
        checkout = _checkout(directory, "--platform-repository-url")
        platform = {"platform_repository_url": checkout.url(checkout.remote(remote, checkout.branch()).value)}
        if "platform_directory" not in given and checkout.directory != ".":
            platform["platform_directory"] = Value(checkout.directory, "this directory")
        return platform
    url = given["repository_url"] if "repository_url" in given else found["repository_url"].value
    return {"platform_repository_url": Value(url, "the same repository")}


def _checkout(directory: Path, option: str) -> Checkout:
    try:
        return Checkout.of(directory)
    except CommandError as error:
        raise WrongUsage(f"{error}\nor give {option}") from error
