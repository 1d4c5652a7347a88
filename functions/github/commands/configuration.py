"""The configuration of a repository: `.github/orchestrator.yaml` on its default branch. Pure.

    commands: [docs, code, retry, cancel, status]    # commands people may use; default: all
    labels: {document: /docs, "agent: do it": /code} # commands for labels; /code may leave the task to the title
    assignees: {shop-agent: /code service=api}       # commands for assigning a user
    service: api                                     # default of /code
    githubApp: Acme-Rex                              # the agent's identity; or githubUser, if the platform allows it
    agents: [Acme-Tess, Acme-Cleo]                   # other identities for agent=, also by short name (tess, cleo)
    models: {docs: claude-..., code: claude-...}
    retryOn: [review, check]                         # feedback that starts a retry; default: both
    maxRetries: 1                                    # automatic retries per run
    cancelOnClose: true                              # closing an issue or pull request cancels its runs; default: false
    platformRepository: acme/platform                # repository of the tasks, of the same owner; default: this one

The file cannot name secrets, execute anything or reach a repository of another owner.
"""

import unicodedata
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from functions.github.commands import yaml_lines
from functions.github.commands.lines import COMMAND_NAMES
from functions.github.commands.parse import Command, InvalidCommand, parse_single
from functions.github.commands.yaml_lines import LocatedYaml, YamlError
from functions.github.repository_name import repository_name
from functions.runs.model import fields
from functions.runs.model.api_model import ApiModel
from functions.runs.model.kinds import RunKind
from functions.runs.model.per_kind import field_per_kind
from functions.runs.model.run import problems
from functions.runs.model.run_spec import MaxCostUsd, MaxRetries, MaxTurns, RequestedResources, TimeoutSeconds

PATH = ".github/orchestrator.yaml"
PATHS = (PATH, ".github/orchestrator.yml")
"""Possible paths of the file; the first that exists is read."""
MAX_LENGTH = 64 * 1024
"""Characters of the file."""

Name = Annotated[str, Field(min_length=1, max_length=200)]


def _command(text: str) -> str:
    command = parse_single(text)
    if command is None:
        raise ValueError("must be one command, such as /docs")
    if isinstance(command, InvalidCommand):
        raise ValueError(f"is not a valid command: {command.problem}")
    return text


def _known(name: str) -> str:
    if name not in COMMAND_NAMES:
        raise ValueError(f"must be {', '.join(map(repr, COMMAND_NAMES))}")
    return name


CommandName = Annotated[str, AfterValidator(_known)]
CommandText = Annotated[str, AfterValidator(_command)]


@field_per_kind("{word}", lambda _: (fields.Model | None, None))
class Models(ApiModel):
    """The model of each kind of run."""

    model_config = ConfigDict(extra="forbid")

    def of(self, kind: RunKind) -> str | None:
        """Return the model of runs of that kind; None if the settings name it."""
        model: str | None = getattr(self, kind.word)
        return model


class Configuration(ApiModel):
    """The file's content; without a file the defaults apply."""

    model_config = ConfigDict(extra="forbid")

    commands: list[CommandName] = list(COMMAND_NAMES)
    labels: dict[Name, CommandText] = {}
    assignees: dict[Name, CommandText] = {}
    service: fields.Service | None = None
    github_app: fields.GithubApp | None = None
    github_user: fields.GithubUser | None = None
    agents: list[fields.GithubApp] = []
    models: Models = Models()
    tools: Literal["minimal", "default", "advanced"] | None = None
    working_directory: fields.WorkingDirectory | None = None
    retry_on: list[Literal["review", "check"]] = ["review", "check"]
    cancel_on_close: bool = False
    max_retries: MaxRetries | None = None
    resources: RequestedResources | None = None
    timeout_seconds: TimeoutSeconds | None = None
    max_turns: MaxTurns | None = None
    max_cost_usd: MaxCostUsd | None = None
    platform_repository: str | None = None
    platform_branch: fields.Branch | None = None
    platform_directory: fields.WorkingDirectory | None = None

    @field_validator("platform_repository")
    @classmethod
    def _is_repository(cls, name: str | None) -> str | None:
        if name is not None and repository_name(name) is None:
            raise ValueError("must be a repository as in owner/name")
        return name

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        if self.github_app and self.github_user:
            raise ValueError("githubApp and githubUser are both set; keep one of them")
        return self

    def command_for(self, by: Literal["labels", "assignees"], name: str) -> Command | None:
        """Return the command mapped to a label or login, which GitHub compares without case; None if there is none."""
        mapped = {_folded(key): text for key, text in getattr(self, by).items()}
        text = mapped.get(_folded(name))
        return parse_single(text) if text is not None else None


class BadConfiguration(Exception):
    """The file cannot be used; each of `problems` names a line and a key."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
        self.text = ""
        """The file's text, as far as it could be read."""

    def mentions(self, name: str) -> bool:
        """Return whether the file contains a label or login, so that it may be mapped to a command."""
        return _folded(name) in _folded(self.text)


def _folded(text: str) -> str:
    """Return the text without differences of case, and of how accents are encoded, which people do not see."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def parse(text: str) -> Configuration:
    """Return the configuration in a file's text; raise BadConfiguration."""
    try:
        return _parse(text)
    except BadConfiguration as bad:
        bad.text = text[:MAX_LENGTH]
        raise


def _parse(text: str) -> Configuration:
    if len(text) > MAX_LENGTH:
        raise BadConfiguration(f"the file has more than {MAX_LENGTH} characters")
    try:
        document = yaml_lines.parse(text)
    except YamlError as error:
        raise BadConfiguration(str(error)) from error
    if not isinstance(document.values, dict | None):
        raise BadConfiguration("line 1: must be a mapping of keys, such as service: api")
    try:
        return Configuration.model_validate(document.values or {}, by_name=False, by_alias=True)
    except ValidationError as error:
        raise BadConfiguration(*_explain(error, document)) from None


def _explain(error: ValidationError, document: LocatedYaml) -> Iterator[str]:
    for item, (_, reason) in zip(error.errors(include_input=False), problems(error), strict=True):
        line, key = document.line([str(part) for part in item["loc"]])
        yield f"line {line}, {key or 'the file'}: {reason}"
