"""Load a model of some sections of the settings from the YAML file and the environment."""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import ValidationError, create_model
from pydantic_settings import InitSettingsSource

from functions.settings.errors import SettingsError, explain
from functions.settings.sources import EnvironmentSource, FileSource
from functions.settings.types import Configuration, Section

C = TypeVar("C", bound=Configuration)
S = TypeVar("S", bound=Section)


def load_section(environ: Mapping[str, str], name: str, section: type[S]) -> S:
    """Return one section, for a client that needs no other. Raises SettingsError."""
    field: Any = (section, ...)
    model = create_model("OneSection", __base__=Configuration, **{name: field})
    return cast(S, getattr(load_model(model, environ), name))


def load_model(model: type[C], environ: Mapping[str, str], defaults: Mapping[str, Any] | None = None) -> C:
    """Return the model's values from the environment, else the file, else `defaults`. Raises SettingsError."""
    sources = (
        EnvironmentSource(model, environ),
        FileSource(model, environ),
        InitSettingsSource(model, dict(defaults or {})),
    )
    try:
        return model(_build_sources=(sources, {}))  # type: ignore[call-arg]  # mypy sees the fields alone
    except ValidationError as error:
        raise SettingsError("\n".join(explain(error, model))) from None
