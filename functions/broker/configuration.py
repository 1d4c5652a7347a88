"""The broker's configuration: the task file `broker.json`, rendered for one attempt. It contains no secret."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError


class ConfigurationError(Exception):
    """The configuration file is missing or invalid; the text names file, field and problem."""


class _Part(BaseModel):
    """A part of the file; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Repository(_Part):
    """A repository of the run."""

    url: str
    name: str
    """`owner/name` on the Git host; empty on another host."""
    writable: bool
    required: bool = True
    """Whether the run cannot start without it."""


class App(_Part):
    """The GitHub App of the run; its id and key are mounted."""

    name: str
    secret: str


class User(_Part):
    """The GitHub user of the run; the SSH key is mounted."""

    login: str
    secret: str


class Git(_Part):
    """The run's repositories, and the App or user whose credential is used for them."""

    api_url: str
    host: str
    """Host of repository URLs, with the port if it is not the default."""
    repositories: tuple[Repository, ...]
    app: App | None = None
    user: User | None = None


class PullRequest(_Part):
    """The only pull request that the broker opens."""

    repository: str
    head: str
    base: str


class Price(_Part):
    """US dollars per million tokens."""

    input: float
    output: float
    cache_read: float = 0.0
    cache_write: float = 0.0


class Model(_Part):
    """The model API: its URL and credential."""

    credential: Literal["api_key", "bearer_token", "bedrock", "vertex"]
    """`api_key`: header x-api-key; `bearer_token`: header Authorization; the others as defined by their clouds."""
    url: str
    paths: tuple[str, ...]
    """Regular expressions of the allowed paths below `url`."""
    secret: str
    key: str
    region: str = ""
    prices: dict[str, Price] = {}
    """Prices by prefix of the model's name."""


class Configuration(_Part):
    """The whole file."""

    namespace: str
    git: Git
    pull_request: PullRequest | None = None
    model: Model | None = None


def load(path: Path) -> Configuration:
    """Return the configuration. Raises ConfigurationError."""
    try:
        return Configuration.model_validate_json(path.read_text())
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ConfigurationError(f"{path}: {'; '.join(problems)}") from None
