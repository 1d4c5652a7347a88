"""The one configuration: typed, from a YAML file and the environment, complete before anything starts.

`ORCHESTRATOR_CONFIG` names the YAML file. Every key can also be set, or overridden, by an environment variable:
`ORCHESTRATOR_` + the key in upper case, sections joined by two underscores, as in `ORCHESTRATOR_AGENT__IMAGE`;
lists and mappings are written as JSON. An unknown key, a wrong value or a missing image stops start-up.
"""

from functions.settings.loading import SettingsError, load, load_section
from functions.settings.model import Settings

__all__ = ["Settings", "SettingsError", "load", "load_section"]
