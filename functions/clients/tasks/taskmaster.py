"""The Task Master files of a directory: the number of tasks, and copies of their texts for agents."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.clients.errors import CommandError
from functions.runs.model.field_rules import is_valid
from functions.runs.model.fields import TaskTitle

FOLDER = ".taskmaster"
TASKS = f"{FOLDER}/tasks/tasks.json"
_TEXT = re.compile(r"task_([0-9]+)\.txt")


@dataclass(frozen=True, slots=True)
class Copy:
    """The file with a task's text, and its copy among the task's documents."""

    source: Path
    target: Path

    @property
    def due(self) -> bool:
        """Whether the target is missing or different."""
        return not self.target.is_file() or self.target.read_bytes() != self.source.read_bytes()

    def make(self) -> None:
        """Copy the text; the target is replaced atomically."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.target.with_name(f".{self.target.name}.new")
        scratch.write_bytes(self.source.read_bytes())
        scratch.replace(self.target)


def tasks(directory: Path) -> int:
    """Return the number of tasks of `directory`.

    Raises:
        CommandError: the file of tasks is missing, a link, unreadable, not JSON or empty.
    """
    file = directory / TASKS
    if not file.is_file():
        raise CommandError(f"{file} does not exist: create it with Task Master, or name the directory that has it (-w)")
    for part in (directory / FOLDER, file.parent, file):
        if part.is_symlink():
            raise CommandError(f"{part} is a symbolic link: git would commit the link, not the tasks")
    try:
        count = len(_ids(file))
    except ValueError as error:
        raise CommandError(f"{file} is not JSON: {error}") from error
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    if not count:
        raise CommandError(f'{file} has no tasks: neither {{"tasks": [...]}} nor {{"TAG": {{"tasks": [...]}}}}')
    return count


def without_text(directory: Path) -> list[str]:
    """Return the ids of tasks that have no file tasks/task_NNN.txt, each once, in the order of the file of tasks."""
    folder = directory / FOLDER / "tasks"
    texts = {int(match[1]) for path in folder.iterdir() if (match := _TEXT.fullmatch(path.name))}
    known = {str(number) for number in texts}
    return [task for task in dict.fromkeys(map(str, _ids(directory / TASKS))) if task not in known]


def title(directory: Path, task_id: int | str) -> str | None:
    """Return the title of a task, if the file is readable and all its tags have one title for that id."""
    try:
        entries = list(_entries(json.loads((directory / TASKS).read_bytes())))
    except (OSError, ValueError):
        return None
    titles = {entry.get("title") for entry in entries if str(entry["id"]) == str(task_id)}
    title = next(iter(titles)) if len(titles) == 1 else None
    return title if isinstance(title, str) and is_valid(TaskTitle, title) else None


def _ids(file: Path) -> list[Any]:
    return [task["id"] for task in _entries(json.loads(file.read_bytes()))]


def _entries(document: Any) -> Iterator[dict[str, Any]]:
    """Yield the tasks of both formats: one list, or a list for each tag."""
    if not isinstance(document, dict):
        return
    for group in (document, *document.values()):
        entries = group.get("tasks") if isinstance(group, dict) else None
        yield from (
            (entry for entry in entries if isinstance(entry, dict) and "id" in entry)
            if isinstance(entries, list)
            else ()
        )


def copies(directory: Path) -> list[Copy]:
    """Return the copies to make: tasks/task_NNN.txt to docs/task-N/task.txt, unless the target is equal.

    Raises:
        CommandError: a source or target is a symbolic link, which could lead out of the repository.
    """
    folder = directory / FOLDER
    result = []
    for source in sorted((folder / "tasks").iterdir()):
        match = _TEXT.fullmatch(source.name)
        if match:
            result.append(Copy(source, folder / "docs" / f"task-{int(match[1])}" / "task.txt"))
    for copy in result:
        _refuse_links(copy, folder)
    return [copy for copy in result if copy.due]


def _refuse_links(copy: Copy, folder: Path) -> None:
    for part in (copy.source, folder / "docs", copy.target.parent, copy.target):
        if part.is_symlink():
            raise CommandError(f"{part} is a symbolic link: put the file itself there, then run the command again")
