"""What a run is about, in a few words for people."""

from collections.abc import Mapping
from string import Formatter
from typing import Any

from functions.runs.model.kinds import RunKind
from functions.runs.model.run import Run
from functions.views import cells


def title(raw: Mapping[str, Any]) -> str:
    """Return the title of a stored run: that of its spec, else what its kind says of a run.

    The spec's title follows the task's number, where there is one. A run without a valid spec has its kind as title.
    """
    kind = RunKind(raw["kind"])
    given = cells.text(cells.at(raw, "spec", "title"))
    return _filled(kind.titled if given else kind.summary, raw) or given or f"{kind.word} run"


def heading(run: Run) -> str:
    """Return the title of a run and the repository it works in."""
    where = cells.text(cells.at(run.raw, "spec", "repositoryUrl"))
    return f"{title(run.raw)} ({where})" if where else title(run.raw)


def repository(raw: Mapping[str, Any]) -> str:
    """Return the last two parts of the repository's path, as `shop/inventory`."""
    url = cells.text(cells.at(raw, "spec", "repositoryUrl")).rstrip("/").removesuffix(".git")
    path = url.partition("://")[2].partition("/")[2] or url.rpartition(":")[2]
    return "/".join(path.split("/")[-2:])


def _filled(template: str, raw: Mapping[str, Any]) -> str:
    """Return the template with the run's values; empty if one of them is missing."""
    names = [name for _, name, _, _ in Formatter().parse(template) if name]
    values = {name: cells.text(cells.at(raw, "spec", name)) for name in names}
    values |= {"repository": repository(raw)}
    return template.format_map(values) if all(values[name] for name in names) else ""
