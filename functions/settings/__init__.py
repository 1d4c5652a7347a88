"""The one configuration: typed, from a YAML file and the environment, complete before anything starts.

`ORCHESTRATOR_CONFIG` names the YAML file. Every key can also be set, or overridden, by an environment variable:
`ORCHESTRATOR_` + the key in upper case, sections joined by two underscores, as in `ORCHESTRATOR_AGENT__IMAGE`;
lists and mappings are written as JSON. An unknown key, one that is there twice, a value that can never work or a
missing image stops start-up.
"""

from typing import TYPE_CHECKING, Any

from functions.settings.errors import SettingsError
from functions.settings.loading import load, load_edge, load_section

if TYPE_CHECKING:
    from functions.settings.model import Settings

__all__ = ["Settings", "SettingsError", "load", "load_edge", "load_section"]


def __getattr__(name: str) -> Any:
    """All sections together, which the webhook does without."""
    if name == "Settings":
        from functions.settings.model import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
