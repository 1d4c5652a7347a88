"""Settings from a YAML file and the environment."""

import json
import re
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from functions.settings.model import Settings
from functions.settings.section import Section

PREFIX = "ORCHESTRATOR_"
NOT_SETTINGS = frozenset({"ORCHESTRATOR_CONFIG", "ORCHESTRATOR_API_URL", "ORCHESTRATOR_TOKEN"})
"""Variables with the prefix that are read elsewhere: the file's name, and what clients use."""

S = TypeVar("S", bound=Section)


class SettingsError(Exception):
    """The configuration cannot be used; the text names every key and what to do."""


def load(environ: Mapping[str, str], *, image: str | None = None) -> Settings:
    """The settings of this process; `image` serves where none is configured, for who starts no container.

    Raises:
        SettingsError: with every problem, each named by its key.
    """
    values = _values(environ)
    if values.get("agent") is None:
        values["agent"] = {}  # what lacks then is the image, and the error names that
    if image and isinstance(values["agent"], dict):
        values["agent"].setdefault("image", image)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error, ()))) from None


def load_section(environ: Mapping[str, str], name: str, section: type[S]) -> S:
    """One section alone, for a client, which needs no other. Raises SettingsError."""
    try:
        return section.model_validate(_values(environ).get(name, {}))
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error, (name,)))) from None


def _values(environ: Mapping[str, str]) -> dict[str, Any]:
    values = _from_file(environ.get("ORCHESTRATOR_CONFIG"))
    for name, text in environ.items():
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            _put(values, name.removeprefix(PREFIX).lower().split("__"), text)
    return values


def _from_file(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    import yaml  # only where there is a file

    try:
        values = yaml.safe_load(Path(path).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"ORCHESTRATOR_CONFIG: cannot read {path}: {error}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"ORCHESTRATOR_CONFIG: {path} is not YAML{_place(error)}") from None
    if not isinstance(values or {}, dict):
        raise SettingsError(f"ORCHESTRATOR_CONFIG: {path} must hold a mapping of sections")
    return values or {}


def _place(error: Exception) -> str:
    """Where and what, without the text of the line, which may be a secret."""
    mark = getattr(error, "problem_mark", None)  # a MarkedYAMLError has one, mostly
    return f": line {mark.line + 1}: {getattr(error, 'problem', '')}" if mark else ""


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


def _explain(error: ValidationError, within: tuple[str, ...]) -> list[str]:
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        keys = [*within, *(str(part) for part in item["loc"])]
        settable = takewhile(re.compile("[a-z_]+").fullmatch, keys)  # what is below is written as JSON
        variable = PREFIX + "__".join(settable).upper()
        what = "is required" if item["type"] == "missing" else item["msg"].removeprefix("Value error, ")
        lines.append(f"setting {'.'.join(keys)}: {what} (set it in the settings file or as {variable})")
    return lines
