"""The title of a run for people: its task before its name."""

from typing import assert_never

from functions.runs.model.kinds import RunKind
from functions.views.links import short_name
from functions.views.rows import Raw, at, text


def title(raw: Raw) -> str:
    """Return the title of a stored run, also of an invalid one: that of its task if the spec has one."""
    given = text(at(raw, "spec", "task", "title"))
    return given or _by_spec(raw)


def _by_spec(raw: Raw) -> str:
    kind = RunKind(raw["kind"])
    match kind:
        case RunKind.DOCS:
            directory = text(at(raw, "spec", "workingDirectory"))
            where = f", {directory}" if directory not in ("", ".") else ""
            return f"Document {repository(raw)}{where}"
        case RunKind.CODE:
            task, name, service = (text(at(raw, "spec", name)) for name in ("taskId", "taskTitle", "service"))
            return f"Task {task or '?'}: {name}" if name else f"Task {task or '?'} of {service or repository(raw)}"
        case _:
            assert_never(kind)


def repository(raw: Raw) -> str:
    """Return the last two parts of the repository's URL, such as `acme/shop`."""
    return short_name(text(at(raw, "spec", "repositoryUrl")))


def heading(raw: Raw) -> str:
    """Return the title and the repository, which the title may leave out."""
    where = repository(raw)
    return f"{title(raw)} ({where})" if where and where not in title(raw) else title(raw)
