"""Settings from a YAML file and the environment."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from functions.settings.model import Settings

PREFIX = "ORCHESTRATOR_"
NOT_SETTINGS = frozenset({"ORCHESTRATOR_CONFIG", "ORCHESTRATOR_API_URL"})
"""Variables with the prefix that are read elsewhere: the file's name, and what clients use."""


class SettingsError(Exception):
    """The configuration cannot be used; the text names every key and what to do."""


def load(environ: Mapping[str, str]) -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: with every problem, each named by its key.
    """
    values = _from_file(environ.get("ORCHESTRATOR_CONFIG"))
    for name, text in environ.items():
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            _put(values, name.removeprefix(PREFIX).lower().split("__"), text)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error))) from None


def _from_file(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    try:
        values = yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"ORCHESTRATOR_CONFIG: cannot read {path}: {error}") from error
    if not isinstance(values or {}, dict):
        raise SettingsError(f"ORCHESTRATOR_CONFIG: {path} must hold a mapping of sections")
    return values or {}


def _put(values: dict[str, Any], path: list[str], text: str) -> None:
    *sections, key = path
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise SettingsError(f"{PREFIX}{'__'.join(path).upper()}: {section} is not a section")
    values[key] = _value(text)


def _value(text: str) -> Any:
    """A list or mapping written as JSON, else the text itself: its setting knows what it should be."""
    try:
        return json.loads(text) if text.startswith(("[", "{")) else text
    except ValueError:
        return text


def _explain(error: ValidationError) -> list[str]:
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        keys = [str(part) for part in item["loc"]]
        variable = PREFIX + "__".join(keys).upper()
        what = "is required" if item["type"] == "missing" else item["msg"].removeprefix("Value error, ")
        lines.append(f"setting {'.'.join(keys)}: {what} (set it in the settings file or as {variable})")
    return lines
