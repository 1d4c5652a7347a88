"""Submit a code run. Missing values are inferred from the git repository of a directory; it may be absent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from functions.clients.errors import WrongUsage
from functions.clients.output import Say
from functions.clients.tasks import request as asking
from functions.clients.tasks.checkout import InferredValue
from functions.clients.tasks.inferred import infer
from functions.clients.tasks.request import Outcome, Request
from functions.runs.model.fields import dns_label
from functions.runs.model.kinds import RunKind
from functions.runs.model.repository_names import short_name

KIND = RunKind.CODE

MAX_TITLE = 72
"""Characters of a prompt's first line that become its title, which is a commit's subject too."""


def prompt_as_task(text: str) -> dict[str, str]:
    """Return the field `task` from a prompt: its title is the first line.

    Raises:
        WrongUsage: the prompt is empty.
    """
    title = next((" ".join(line.split()) for line in text.splitlines() if line.strip()), "").lstrip("# ")
    if not title:
        raise WrongUsage("--prompt: is empty")
    return {"title": title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…", "text": text.strip()}


def run(request: Request, directory: str, say: Say, remote: str | None = None) -> Outcome:
    """Submit the code run that `request` describes; missing values are inferred from git in `directory`.

    Raises:
        CommandError: a value is missing or wrong, the server rejected the request, or its result is unknown.
    """
    prepared = asking.prepare(request, KIND)
    given, inferred = dict(request.given), _infer(request.given, directory, remote)
    url = str(given["repository_url"] if "repository_url" in given else inferred["repository_url"].value)
    if "service" not in given and dns_label(short_name(url)):
        inferred["service"] = InferredValue(dns_label(short_name(url)), "the repository's name")
    if request.issue is not None:
        from functions.clients.tasks import issue_source  # loads cryptography (60 ms), which only --issue needs

        given["task"] = issue_source.read(request.issue, url, request.environ)
        asking.show(say, "task", f"{given['task']['title']} ({given['task']['url']})")
    if "model" not in request.given:
        inferred["model"] = asking.default_model(KIND, request.environ)
    spec = asking.validate_spec(KIND, given, inferred, say)
    return asking.send(prepared, KIND, spec, inferred, say)


def _infer(given: Mapping[str, Any], directory: str, remote: str | None) -> dict[str, InferredValue]:
    """Return the missing values; the directory is not read if all are given."""
    needed = {"repository_url", "platform_repository_url"} if "task_id" in given else {"repository_url"}
    if needed <= given.keys() and {"github_user", "github_app"} & given.keys():
        return {}
    return infer(given, Path(directory), remote)
