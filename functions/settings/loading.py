"""Load the settings of a process from its YAML file and its environment."""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import ValidationError, create_model
from pydantic_settings import InitSettingsSource

from functions.settings.errors import SettingsError, explain
from functions.settings.model import Settings
from functions.settings.sources import EnvironmentSource, FileSource
from functions.settings.types import Configuration, Section
from functions.settings.webhook import WebhookSettings

C = TypeVar("C", bound=Configuration)
S = TypeVar("S", bound=Section)


def load(environ: Mapping[str, str], *, image: str | None = None) -> Settings:
    """Return all settings; `image` is the default for commands that start no container.

    Raises:
        SettingsError: with one line for each problem, which names the setting and what to do.
    """
    return _load(Settings, environ, {"agent": {"image": image}, "broker": {"image": image}} if image else {})


def load_webhook(environ: Mapping[str, str]) -> WebhookSettings:
    """Return the sections that the webhook needs, ignoring problems in others. Raises SettingsError."""
    return _load(WebhookSettings, environ)


def load_section(environ: Mapping[str, str], name: str, section: type[S]) -> S:
    """Return one section, for a client that needs no other. Raises SettingsError."""
    field: Any = (section, ...)
    return cast(S, getattr(_load(create_model("OneSection", __base__=Configuration, **{name: field}), environ), name))


def _load(model: type[C], environ: Mapping[str, str], defaults: Mapping[str, Any] | None = None) -> C:
    """Return the model's values from the environment, else from the file, else from `defaults`."""
    sources = (
        EnvironmentSource(model, environ),
        FileSource(model, environ),
        InitSettingsSource(model, dict(defaults or {})),
    )
    try:
        return model(_build_sources=(sources, {}))  # type: ignore[call-arg]  # mypy sees the fields alone
    except ValidationError as error:
        raise SettingsError("\n".join(explain(error, model))) from None
