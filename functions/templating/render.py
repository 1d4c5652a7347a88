"""Render the task files of an attempt from the templates of its agent CLI, kind of work and agent."""

from collections.abc import Mapping
from dataclasses import dataclass

from functions.runs.installation_rules import unavailable_tools
from functions.settings.model import Settings
from functions.templating import engine, template_set
from functions.templating.engine import TemplateError
from functions.templating.variables import AttemptContext, variables

__all__ = ["AttemptContext", "TaskFiles", "TaskFilesTooLarge", "TemplateError", "task_files"]

MAX_CONFIG_MAP_BYTES = 1_048_576
"""Limit of a ConfigMap's keys and values together (Kubernetes: ConfigMap, 1 MiB)."""


class TaskFilesTooLarge(Exception):
    """The task files do not fit a ConfigMap; the text names the largest."""


@dataclass(frozen=True, slots=True)
class TaskFiles:
    """The files that an attempt receives."""

    files: Mapping[str, str]
    """Text by ConfigMap key."""
    checksum: str
    """SHA-256, in hexadecimal, of the templates used, in the order of their names."""


def task_files(attempt: AttemptContext, settings: Settings) -> TaskFiles:
    """Return the task files of one attempt.

    Raises:
        TemplateError: the agent CLI has no templates, or one is malformed, uses an unknown name, or should render as
            JSON and does not.
        TaskFilesTooLarge: all files together exceed 1 MiB.
    """
    templates = template_set.find(settings.templates, attempt.spec.agent_cli, attempt.kind, attempt.spec.agent)
    for field, why in unavailable_tools(attempt.spec, settings.tools.server_url, settings.tools.local_servers):
        raise TemplateError("", None, f"{field}: {why}")
    known = variables(attempt, settings, templates.hooks)
    files = {key: engine.render(settings.templates, name, known) for key, name in templates.names.items()}
    _check_size(files)
    return TaskFiles(files, templates.checksum)


def _check_size(files: Mapping[str, str]) -> None:
    sizes = {key: len(key) + len(text.encode()) for key, text in files.items()}
    total = sum(sizes.values())
    if total > MAX_CONFIG_MAP_BYTES:
        largest = max(sizes, key=sizes.__getitem__)
        raise TaskFilesTooLarge(
            f"the task files take {total} bytes, more than the {MAX_CONFIG_MAP_BYTES} of a ConfigMap; "
            f"the largest is {largest} with {sizes[largest]}"
        )
