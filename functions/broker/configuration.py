"""What the broker is to serve: the task file `broker.json`, rendered for one attempt. It names secrets, holds none."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError


class ConfigurationError(Exception):
    """The file cannot be used; the text says where and why."""


class _Part(BaseModel):
    """A part of the file; an unknown name in it is an error."""

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
    """The GitHub App that the run works as; its id and key are mounted."""

    name: str
    secret: str


class User(_Part):
    """The GitHub user that the run works as; the SSH key is mounted."""

    login: str
    secret: str


class Git(_Part):
    """Where the run's repositories are and as whom they are reached: either an App or a user."""

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
    """The model's API: its address and which credential it takes."""

    credential: Literal["api_key", "bearer_token", "bedrock", "vertex"]
    """`api_key`: header x-api-key; `bearer_token`: header Authorization; the others as their clouds define."""
    url: str
    paths: tuple[str, ...]
    """Regular expressions of the paths, below `url`, that may be called."""
    secret: str
    key: str
    region: str = ""
    prices: dict[str, Price] = {}
    """By the beginning of the model's name."""


class Configuration(_Part):
    """The whole file."""

    namespace: str
    git: Git
    pull_request: PullRequest | None = None
    model: Model | None = None


def load(path: Path) -> Configuration:
    """Return the configuration; raise ConfigurationError."""
    try:
        return Configuration.model_validate_json(path.read_text())
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ConfigurationError(f"{path}: {'; '.join(problems)}") from None
