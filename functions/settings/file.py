"""The settings file: YAML in which every key is there once.

YAML takes the last of two equal keys without a word, so that a section that was pasted twice would lose one half.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from functions.settings.errors import SettingsError

MERGE = "tag:yaml.org,2002:merge"
"""Of `<<`, which may be there often."""


def read(path: str) -> Mapping[str, Any]:
    """What is in the file. Raises SettingsError, naming the line and never its text, which may be a secret."""
    try:
        values = yaml.load(Path(path).read_text(), _Once)  # noqa: S506  (a SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"ORCHESTRATOR_CONFIG: cannot read {path}: {error}") from error
    except _Twice as error:
        raise SettingsError(f"ORCHESTRATOR_CONFIG: {path}: {error}") from None
    except (yaml.YAMLError, ValueError) as error:  # the latter of a date that the calendar does not have
        raise SettingsError(f"ORCHESTRATOR_CONFIG: {path} is not YAML{_place(error)}") from None
    if not isinstance(values or {}, dict):
        raise SettingsError(f"ORCHESTRATOR_CONFIG: {path} must hold a mapping of sections")
    return values or {}


class _Twice(Exception):
    """A key is there twice."""


class _Once(yaml.SafeLoader):
    """Takes no key twice; what a merge (`<<`) brings may be overridden, as YAML says."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._checked: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Checks a mapping before it becomes one with what is merged into it, which is once or more often."""
        if id(node) not in self._checked:
            self._checked.add(id(node))
            _check(node)
        super().flatten_mapping(node)


def _check(node: yaml.MappingNode) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE:
            continue
        line = key.start_mark.line + 1
        if key.value in lines:
            raise _Twice(f"line {line}: {key.value} is there already, on line {lines[key.value]}; keep one of them")
        lines[key.value] = line


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)  # a MarkedYAMLError has one, mostly
    return f": line {mark.line + 1}: {getattr(error, 'problem', '')}" if mark else ""
