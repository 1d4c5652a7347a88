"""What a run is about, in a few words for people."""

from collections.abc import Mapping
from typing import Any, assert_never

from functions.runs.model.kinds import RunKind
from functions.runs.model.run import Run
from functions.views import cells


def title(raw: Mapping[str, Any]) -> str:
    """Return the title of a stored run: that of its spec, else what its task is called."""
    given = cells.text(cells.at(raw, "spec", "title"))
    match RunKind(raw["kind"]):
        case RunKind.DOCS:
            return given or " ".join(filter(None, ("document the tasks of", repository(raw), directory(raw))))
        case RunKind.CODE:
            task, service = _task(raw), cells.text(cells.at(raw, "spec", "service"))
            return (
                f"{task}: {given}" if given else " ".join(filter(None, (task or "work", service and f"on {service}")))
            )
        case unknown:
            assert_never(unknown)


def heading(run: Run) -> str:
    """Return the title of a run and the repository it works in."""
    where = cells.text(cells.at(run.raw, "spec", "repositoryUrl"))
    return f"{title(run.raw)} ({where})" if where else title(run.raw)


def repository(raw: Mapping[str, Any]) -> str:
    """Return the last two parts of the repository's path, as `shop/inventory`."""
    url = cells.text(cells.at(raw, "spec", "repositoryUrl")).rstrip("/").removesuffix(".git")
    path = url.partition("://")[2].partition("/")[2] or url.rpartition(":")[2]
    return "/".join(path.split("/")[-2:])


def directory(raw: Mapping[str, Any]) -> str:
    """Return the working directory in brackets; empty for the repository's root."""
    path = cells.text(cells.at(raw, "spec", "workingDirectory"))
    return f"({path})" if path not in ("", ".") else ""


def _task(raw: Mapping[str, Any]) -> str:
    number = cells.text(cells.at(raw, "status", "task")) or cells.text(cells.at(raw, "spec", "taskId"))
    return f"task {number}" if number else ""
