"""Infer missing fields of a code run from the git repository of a directory."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from functions.clients.errors import CommandError, WrongUsage
from functions.clients.tasks.checkout import Checkout, InferredValue
from functions.clients.tasks.taskmaster import FOLDER, TASKS, title


def infer(given: Mapping[str, Any], directory: Path, remote: str | None) -> dict[str, InferredValue]:
    """Return the missing fields, inferred from git in `directory`; Task Master's only with a `task_id`.

    Raises:
        CommandError: a required field cannot be inferred.
    """
    local, inferred = _LocalCheckout(directory), dict[str, InferredValue]()
    if "repository_url" not in given:
        inferred |= _from_checkout(given, local, remote)
    if "task_id" in given and "platform_repository_url" not in given:
        inferred |= _platform(given, inferred, local, remote)
    if "github_user" not in given and "github_app" not in given:
        inferred["github_user"] = local.checkout("--github-user or --github-app").login()
    return inferred


def _from_checkout(given: Mapping[str, Any], local: "_LocalCheckout", remote: str | None) -> dict[str, InferredValue]:
    """Return repository, working directory and default branch of the checkout, and what it says of the task."""
    checkout = local.checkout("--repository-url")
    origin = checkout.remote(remote, checkout.branch()).value
    inferred = {"repository_url": checkout.url(origin)}
    base = checkout.default_branch(origin)
    if "branch" not in given and base:
        inferred["branch"] = base
    if "working_directory" not in given and checkout.directory != ".":
        inferred["working_directory"] = InferredValue(checkout.directory, "this directory")
    return inferred | _task_in_checkout(given, checkout) if "task_id" in given else inferred


def _task_in_checkout(given: Mapping[str, Any], checkout: Checkout) -> dict[str, InferredValue]:
    """Return title and Task Master directory of the task, if the checkout has its definition."""
    inferred, taskmaster_directory = dict[str, InferredValue](), _nearest_taskmaster(checkout)
    given_platform = {"platform_repository_url", "platform_directory"} & given.keys()
    task_title = None if taskmaster_directory is None else title(checkout.root / taskmaster_directory, given["task_id"])
    if task_title and "task_title" not in given:
        inferred["task_title"] = InferredValue(task_title, TASKS)
    if (
        taskmaster_directory is not None
        and not given_platform
        and taskmaster_directory != given.get("working_directory", checkout.directory)
    ):
        inferred["platform_directory"] = InferredValue(taskmaster_directory, f"where {FOLDER} is")
    return inferred


def _nearest_taskmaster(checkout: Checkout) -> str | None:
    """Return the nearest directory with Task Master files, from this one up to the root."""
    inside = PurePosixPath(checkout.directory)
    candidates = [path for path in (inside, *inside.parents) if (checkout.root / path / TASKS).is_file()]
    return str(candidates[0]) if candidates else None


def _platform(
    given: Mapping[str, Any], inferred: Mapping[str, InferredValue], local: "_LocalCheckout", remote: str | None
) -> dict[str, InferredValue]:
    """Return the platform repository: the work repository.

    Raises:
        WrongUsage: another repository has to be worked in than that of `directory`, which has Task Master files too.
    """
    if "repository_url" in given and (local.directory / FOLDER).is_dir():
        checkout = local.checkout("--platform-repository-url")
        here = checkout.url(checkout.remote(remote, checkout.branch()).value).value
        if here != given["repository_url"]:
            raise WrongUsage(
                f"--platform-repository-url: is needed. This directory is a clone of {here} and has {FOLDER}, but "
                f"--repository-url is {given['repository_url']}: give the URL of the one that has the task"
            )
    url = given["repository_url"] if "repository_url" in given else inferred["repository_url"].value
    return {"platform_repository_url": InferredValue(url, "the same repository")}


class _LocalCheckout:
    """A directory whose repository is read once, when first needed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def checkout(self, option: str) -> Checkout:
        """Return the checkout of the directory.

        Raises:
            WrongUsage: it has none; the text names the option to give instead.
        """
        try:
            return self._checkout
        except CommandError as error:
            raise WrongUsage(f"{error}\nor give {option}") from error

    @cached_property
    def _checkout(self) -> Checkout:
        return Checkout.of(self.directory)
