"""Load the settings of a process from its YAML file and its environment."""

from collections.abc import Mapping

from functions.settings.model import Settings
from functions.settings.sections import load_model
from functions.settings.webhook import WebhookSettings


def load(environ: Mapping[str, str], *, image: str | None = None) -> Settings:
    """Return all settings; `image` is the default for commands that start no container.

    Raises:
        SettingsError: with one line for each invalid setting, which names it and what to do. Conflicts between
            settings of a section are reported only when each setting of it is valid.
    """
    return load_model(Settings, environ, {"agent": {"image": image}, "broker": {"image": image}} if image else {})


def load_webhook(environ: Mapping[str, str]) -> WebhookSettings:
    """Return the sections that the webhook needs, ignoring problems in others. Raises SettingsError."""
    return load_model(WebhookSettings, environ)
