"""The task files of an attempt, from the templates of its agent CLI, kind of work and agent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.settings import Settings
from functions.templating import engine, template_set
from functions.templating.engine import TemplateError
from functions.templating.template_set import TemplateSet
from functions.templating.variables import AttemptContext, variables

__all__ = ["AttemptContext", "TaskFiles", "TaskFilesTooLarge", "TemplateError", "task_files"]

LARGEST_SET = 1_048_576
"""Most that the keys and values of a ConfigMap may take, in bytes (Kubernetes: ConfigMap, 1 MiB)."""


class TaskFilesTooLarge(Exception):
    """The task files do not fit a ConfigMap; the text names the largest."""


@dataclass(frozen=True, slots=True)
class TaskFiles:
    """What an attempt is given."""

    files: Mapping[str, str]
    """ConfigMap key to text."""
    checksum: str
    """SHA-256 of the templates used, in the order of their names, in hexadecimal."""


def task_files(task: AttemptContext, settings: Settings) -> TaskFiles:
    """The task files of one attempt.

    Raises:
        TemplateError: the agent CLI has no templates, or one is malformed, uses a name it cannot know, or makes
            something that is not JSON.
        TaskFilesTooLarge: all files together are over 1 MiB.
    """
    found = template_set.find(settings.templates, task.spec.agent_cli, task.kind, task.spec.agent)
    known = variables(task, settings, found.hooks)
    files = {key: _text(settings, found, key, known) for key in found.names}
    _check_size(files)
    return TaskFiles(files, found.checksum)


def _text(settings: Settings, found: TemplateSet, key: str, known: Mapping[str, Any]) -> str:
    fixed = found.fixed.get(key)
    return engine.render(settings.templates, found.varying[key], known) if fixed is None else fixed


def _check_size(files: Mapping[str, str]) -> None:
    sizes = {key: len(key) + len(text.encode()) for key, text in files.items()}
    if sum(sizes.values()) > LARGEST_SET:
        largest = max(sizes, key=sizes.__getitem__)
        raise TaskFilesTooLarge(
            f"the task files take {sum(sizes.values())} bytes, more than the {LARGEST_SET} of a ConfigMap; "
            f"the largest is {largest} with {sizes[largest]}"
        )
