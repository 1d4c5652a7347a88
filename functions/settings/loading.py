"""Settings from a YAML file and the environment."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from functions.settings.errors import PREFIX, SettingsError, explain
from functions.settings.types import Section
from functions.settings.webhook import WebhookSettings

if TYPE_CHECKING:
    from functions.settings.model import Settings

NOT_SETTINGS = frozenset({"ORCHESTRATOR_CONFIG", "ORCHESTRATOR_API_URL", "ORCHESTRATOR_TOKEN"})
"""Variables with the prefix that are read elsewhere: the file's name, and what clients use."""

S = TypeVar("S", bound=Section)


def load(environ: Mapping[str, str], *, image: str | None = None) -> "Settings":
    """The settings of this process; `image` serves where none is configured, for who starts no container.

    Raises:
        SettingsError: with every problem, each named by its key.
    """
    from functions.settings.model import Settings

    values = _values(environ)
    if values.get("agent") is None:
        values["agent"] = {}  # what lacks then is the image, and the error names that
    if image and isinstance(values["agent"], dict):
        values["agent"].setdefault("image", image)
    return _valid(Settings, values)


def load_edge(environ: Mapping[str, str]) -> WebhookSettings:
    """The sections that the webhook needs; what is wrong with others, other functions say. Raises SettingsError."""
    values = _values(environ)
    return _valid(WebhookSettings, {name: values[name] for name in WebhookSettings.model_fields if name in values})


def load_section(environ: Mapping[str, str], name: str, section: type[S]) -> S:
    """One section alone, for a client, which needs no other. Raises SettingsError."""
    return _valid(section, _values(environ).get(name, {}), name)


def _valid(section: type[S], values: Any, *within: str) -> S:
    try:
        return section.model_validate(_without_none(values, section))
    except ValidationError as error:
        raise SettingsError("\n".join(explain(error, section, within))) from None


def _without_none(values: Any, model: type[BaseModel]) -> Any:
    """The values with an empty section, which YAML reads as null, as one that has no keys."""
    if values is None:
        return {}
    if not isinstance(values, dict):
        return values
    sections = {name: field.annotation for name, field in model.model_fields.items() if values.get(name, "") is None}
    return values | {
        name: {} for name, kind in sections.items() if isinstance(kind, type) and issubclass(kind, Section)
    }


def _values(environ: Mapping[str, str]) -> dict[str, Any]:
    values = _from_file(environ.get("ORCHESTRATOR_CONFIG"))
    for name in sorted(environ):  # a section as a whole before its keys
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            _put(values, name.removeprefix(PREFIX).lower().split("__"), _value(name, environ[name]))
    return values


def _from_file(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    from functions.settings.file import read  # YAML only where there is a file

    return dict(read(path))


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    *sections, key = path
    for section in sections:
        if values.get(section) is None:  # an empty section is one
            values[section] = {}
        values = values[section]
        if not isinstance(values, dict):
            raise SettingsError(f"{PREFIX}{'__'.join(path).upper()}: {section} is not a section")
    values[key] = value


def _value(variable: str, text: str) -> Any:
    """A list or mapping written as JSON, else the text itself: its setting knows what it should be."""

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise SettingsError(f"{variable}: {twice} is there twice; keep one of them")
        return found

    try:
        return json.loads(text, object_pairs_hook=mapping) if text.startswith(("[", "{")) else text
    except ValueError:
        return text
