"""The agent CLIs of one machine: whether they can work, the Secrets of their API keys, and where their models are."""

import json
import shutil
from collections.abc import Mapping

from functions.settings.agent import ApiKey, SecretSettings

_SETTINGS = SecretSettings()
API_KEYS: Mapping[str, ApiKey] = {
    "claude": ApiKey(secret=_SETTINGS.api_key_secret_name, key=_SETTINGS.api_key_secret_key, env="ANTHROPIC_API_KEY"),
    **_SETTINGS.api_keys,
}
"""The environment variable with the API key of each agent CLI, and the Secret from which brokers read it."""

Environ = Mapping[str, str]


def is_ready(agent_cli: str, environ: Environ) -> bool:
    """Return whether the agent CLI is on the PATH and has an API key."""
    key = API_KEYS.get(agent_cli)
    return bool(key and environ.get(key.env) and shutil.which(agent_cli, path=environ.get("PATH")))


def secrets(environ: Environ) -> dict[str, dict[str, str]]:
    """Return the available API keys, as Secrets by name."""
    return {key.secret: {key.key: environ[key.env]} for key in API_KEYS.values() if environ.get(key.env)}


def model_urls(environ: Environ) -> dict[str, str]:
    """Return the settings by which brokers ask the models that the agent CLIs' own variables name."""
    settings = {}
    if url := environ.get("ANTHROPIC_BASE_URL"):
        settings["ORCHESTRATOR_MODEL__URL"] = url
    if url := environ.get("OPENAI_BASE_URL"):
        key = API_KEYS["codex"].model_copy(update={"url": url})
        settings["ORCHESTRATOR_SECRETS__API_KEYS"] = json.dumps({"codex": key.model_dump(mode="json")})
    return settings
