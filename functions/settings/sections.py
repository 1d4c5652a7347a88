"""Load a model of some sections of the settings from the YAML file and the environment."""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import ValidationError, create_model
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from functions.settings.errors import SettingsError, explain
from functions.settings.sources import EnvironmentSource, FileSource
from functions.settings.types import Section


class Configuration(BaseSettings):
    """Sections that are loaded together; sections of other functions are ignored.

    Only the loaders of `functions.settings` read the file and the environment; an object that is constructed directly
    has exactly the values it is given.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, case_sensitive=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the package's signature)
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the constructor's arguments as the only source."""
        return (init_settings,)


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
