"""YAML in which every key of a mapping is unique.

YAML parsers keep the last of two equal keys without a warning, so a section that was pasted twice would lose one half.
"""

from pathlib import Path
from typing import Any

import yaml

from functions.settings.errors import PREFIX, SettingsError

MERGE = "tag:yaml.org,2002:merge"
"""The tag of `<<`, which a mapping may have several times."""


def read(path: Path) -> dict[Any, Any]:
    """Return the mapping in the file.

    Raises:
        SettingsError: the file cannot be read, is not YAML or has a key twice; names the line, and never its text,
            which may be a secret.
    """
    try:
        values = yaml.load(path.read_text(), _UniqueKeyLoader)  # noqa: S506  (a SafeLoader)
    except OSError as error:
        raise SettingsError(f"{PREFIX}CONFIG: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{PREFIX}CONFIG: cannot read {path}: {error}") from error
    except _DuplicateKey as error:
        raise SettingsError(f"{PREFIX}CONFIG: {path}: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date outside the calendar
        raise SettingsError(f"{PREFIX}CONFIG: {path} is not YAML{_location(error)}") from None
    if not isinstance(values or {}, dict):
        raise SettingsError(f"{PREFIX}CONFIG: {path} must hold a mapping of sections")
    return values or {}


class _DuplicateKey(Exception):
    """A mapping has a key twice; the text names both lines."""


class _UniqueKeyLoader(yaml.SafeLoader):
    """Rejects duplicate keys; a key may override one that a merge (`<<`) brings, as YAML specifies."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._checked: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Check a mapping before its merges are expanded, which the parser does once for each alias."""
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
            first = lines[key.value]
            raise _DuplicateKey(f"line {line}: {key.value} is there already, on line {first}; keep one of them")
        lines[key.value] = line


def _location(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)  # most MarkedYAMLErrors have one
    return f": line {mark.line + 1}: {getattr(error, 'problem', '')}" if mark else ""
