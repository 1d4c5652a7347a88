"""What the repository of a directory tells of a code run, where nobody says it."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from functions.clients.errors import CommandError, WrongUsage
from functions.clients.tasks.checkout import Checkout
from functions.clients.tasks.inferred_value import InferredValue
from functions.clients.tasks.taskmaster import FOLDER, TASKS


def infer(given: Mapping[str, Any], directory: Path, remote: str | None) -> dict[str, InferredValue]:
    """What git in `directory` tells of the fields that were not given. Raises CommandError for one it cannot tell."""
    local, inferred = _LocalCheckout(directory), dict[str, InferredValue]()
    if "repository_url" not in given:
        inferred |= _from_checkout(given, local, remote)
    if "platform_repository_url" not in given:
        inferred |= _platform(given, inferred, local, remote)
    if "github_user" not in given and "github_app" not in given:
        inferred["github_user"] = local.checkout("--github-user or --github-app").login()
    return inferred


def _from_checkout(given: Mapping[str, Any], local: "_LocalCheckout", remote: str | None) -> dict[str, InferredValue]:
    """The repository of `directory`, the directory in it, and the branch its remote calls the default one."""
    checkout = local.checkout("--repository-url")
    origin = checkout.remote(remote, checkout.branch()).value
    inferred = {"repository_url": checkout.url(origin)}
    base = checkout.default_branch(origin)
    if "branch" not in given and base:
        inferred["branch"] = base
    if "working_directory" not in given and checkout.directory != ".":
        inferred["working_directory"] = InferredValue(checkout.directory, "this directory")
    taskmaster_directory = _nearest_taskmaster(checkout)
    given_platform = {"platform_repository_url", "platform_directory"} & given.keys()
    if (
        taskmaster_directory is not None
        and not given_platform
        and taskmaster_directory != given.get("working_directory", checkout.directory)
    ):
        inferred["platform_directory"] = InferredValue(taskmaster_directory, f"where {FOLDER} is")
    return inferred


def _nearest_taskmaster(checkout: Checkout) -> str | None:
    """The directory with Task Master's files that is nearest, from this one up to the root."""
    inside = PurePosixPath(checkout.directory)
    candidates = [path for path in (inside, *inside.parents) if (checkout.root / path / TASKS).is_file()]
    return str(candidates[0]) if candidates else None


def _platform(
    given: Mapping[str, Any], inferred: Mapping[str, InferredValue], local: "_LocalCheckout", remote: str | None
) -> dict[str, InferredValue]:
    """The repository of `directory` if that has Task Master's files, else the one the work happens in."""
    if "repository_url" in given and (local.directory / FOLDER).is_dir():
        checkout = local.checkout("--platform-repository-url")
        platform = {"platform_repository_url": checkout.url(checkout.remote(remote, checkout.branch()).value)}
        if "platform_directory" not in given and checkout.directory != ".":
            platform["platform_directory"] = InferredValue(checkout.directory, "this directory")
        return platform
    url = given["repository_url"] if "repository_url" in given else inferred["repository_url"].value
    return {"platform_repository_url": InferredValue(url, "the same repository")}


class _LocalCheckout:
    """A directory; its repository is looked at once, and only where something is to be learnt from it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def checkout(self, option: str) -> Checkout:
        """Its work tree. Raises WrongUsage, naming the option that would do without, where it is in none."""
        try:
            return self._checkout
        except CommandError as error:
            raise WrongUsage(f"{error}\nor give {option}") from error

    @cached_property
    def _checkout(self) -> Checkout:
        return Checkout.of(self.directory)
