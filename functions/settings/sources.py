"""The sources of the settings, a YAML file and the environment, with the checks that pydantic-settings lacks.

pydantic-settings skips a missing file and variables it does not know, and keeps the last of equal keys. Here each of
these is an error that names the file or variable and never repeats a value, which may be a secret.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource

from functions.settings.errors import PREFIX, SettingsError
from functions.settings.types import Section
from functions.settings.yaml_file import read

FILE = f"{PREFIX}CONFIG"
"""The variable that names the YAML file."""

NOT_SETTINGS = frozenset({FILE, f"{PREFIX}API_URL", f"{PREFIX}TOKEN"})
"""Variables with the prefix that are read elsewhere: the name of the file, and what clients use."""


class FileSource(InitSettingsSource):
    """The YAML file that ORCHESTRATOR_CONFIG names, if it names one; absent and empty sections have no keys."""

    def __init__(self, model: type[BaseSettings], environ: Mapping[str, str]) -> None:
        path = environ.get(FILE)
        values = {str(key): value for key, value in (read(Path(path)) if path else {}).items()}
        for name, field in model.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                values[name] = _section(name, values.get(name))
        super().__init__(model, values)


class EnvironmentSource(EnvSettingsSource):
    """Variables such as ORCHESTRATOR_AGENT__IMAGE; lists and mappings are JSON."""

    def __init__(self, model: type[BaseSettings], environ: Mapping[str, str]) -> None:
        super().__init__(model, env_prefix=PREFIX.lower(), env_nested_delimiter="__")
        ours = (name for name in sorted(environ) if name.startswith(PREFIX) and name not in NOT_SETTINGS)
        given = _unique((name.upper(), environ[name]) for name in ours)
        for name, text in given.items():
            _decoded(name, text)  # here the error can name the variable
        self.env_vars = {name.lower(): text for name, text in given.items()}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ARG002
        """Return the value of JSON, and any other text unchanged: validation then names its setting."""
        return _decoded(field_name, value)

    def __call__(self) -> dict[str, Any]:
        """Return the values, with each variable that is no setting, so that validation can refuse it."""
        values = super().__call__()
        for name, text in self.env_vars.items():
            path = name[len(self.env_prefix) :].split("__")
            if path[0] not in self.settings_cls.model_fields:
                values[path[0]] = text
            elif not _contains(values, path):
                raise SettingsError(f"{name.upper()}: {'.'.join(path[:-1])} has no keys; remove one of the variables")
        return values


def _section(name: str, value: Any) -> dict[str, Any]:
    """Return the keys of a section of the file; YAML reads an empty section as null."""
    if not isinstance(value or {}, dict):
        raise SettingsError(f"setting {name}: must be a mapping of keys (in the settings file)")
    return value or {}


def _decoded(name: str, text: str) -> Any:
    """Return the value of JSON text, or the text itself; raise SettingsError if an object has a key twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return _unique(pairs, f"{name}: ")

    try:
        return json.loads(text, object_pairs_hook=unique) if text.startswith(("[", "{")) else text
    except (ValueError, RecursionError):
        return text


def _unique(pairs: Iterable[tuple[str, Any]], where: str = "") -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise SettingsError(f"{where}{key} is there twice; keep one of them")
        values[key] = value
    return values


def _contains(values: Any, path: list[str]) -> bool:
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True
