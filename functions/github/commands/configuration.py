"""What a repository configures for itself, in `.github/orchestrator.yaml` on its default branch. Pure.

    commands: [docs, code, retry, cancel, status]   # which of them people may use; default: all
    labels: {document: /docs, "agent: do it": /code} # a command for a label; /code may leave the task to the title
    assignees: {shop-agent: /code service=api}       # and for whoever is assigned
    service: api                                     # of /code without service=
    githubApp: 5DLabs-Rex                            # who works; or githubUser, where the platform allows it
    agents: [5DLabs-Tess, 5DLabs-Cleo]               # others that agent= may name, also as tess and cleo
    models: {docs: claude-..., code: claude-...}
    retryOn: [review, check]                         # what starts another attempt by itself; default: both
    maxRetries: 1                                    # how often
    platformRepository: acme/platform                # where the tasks are, of the same owner; default: here

It is data: it names no secret, runs nothing, and reaches no repository of another owner.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from functions.github.commands import yaml_lines
from functions.github.commands.lines import WORDS, CommandName
from functions.github.commands.parse import Command, InvalidCommand, single
from functions.github.commands.yaml_lines import LocatedYaml, YamlError
from functions.github.names import repository_name
from functions.runs.model import fields
from functions.runs.model.run import problems
from functions.runs.model.specs import ApiModel

PATH = ".github/orchestrator.yaml"
LONGEST = 64 * 1024
"""Characters; it is written by hand."""

Name = Annotated[str, Field(min_length=1, max_length=200)]


def _command(text: str) -> str:
    found = single(text)
    if found is None:
        raise ValueError("must be one command, such as /docs")
    if isinstance(found, InvalidCommand):
        raise ValueError(f"cannot be understood: {found.problem}")
    return text


CommandText = Annotated[str, AfterValidator(_command)]


class Models(ApiModel):
    """A model per kind of work."""

    model_config = ConfigDict(extra="forbid")

    docs: fields.Model | None = None
    code: fields.Model | None = None


class Configuration(ApiModel):
    """The file; a repository without one has the defaults."""

    model_config = ConfigDict(extra="forbid")

    commands: list[CommandName] = list(WORDS)
    labels: dict[Name, CommandText] = {}
    assignees: dict[Name, CommandText] = {}
    service: fields.DnsLabel | None = None
    github_app: fields.GithubApp | None = None
    github_user: fields.GithubUser | None = None
    agents: list[fields.GithubApp] = []
    models: Models = Models()
    tools: Literal["minimal", "default", "advanced"] | None = None
    working_directory: fields.WorkingDirectory | None = None
    retry_on: list[Literal["review", "check"]] = ["review", "check"]
    max_retries: Annotated[int | None, Field(ge=0, le=10)] = None
    timeout_seconds: Annotated[int | None, Field(ge=1, le=604_800)] = None
    max_turns: Annotated[int | None, Field(ge=1, le=fields.INT32)] = None
    max_cost_usd: Annotated[float | None, Field(gt=0, le=1_000_000)] = None
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
            raise ValueError("githubApp and githubUser are both given; keep one of them")
        return self

    def command_for(self, by: Literal["labels", "assignees"], name: str) -> Command | None:
        """The command that a label or login stands for; GitHub tells neither upper from lower case."""
        mapped = {each.casefold(): text for each, text in getattr(self, by).items()}
        text = mapped.get(name.casefold())
        return single(text) if text is not None else None


class BadConfiguration(Exception):
    """The file cannot be used. `problems` are in words, each with its line and key."""

    def __init__(self, *found: str) -> None:
        super().__init__("; ".join(found))
        self.problems = found


def parse(text: str) -> Configuration:
    """The configuration in a file. Raises BadConfiguration."""
    if len(text) > LONGEST:
        raise BadConfiguration(f"it has more than {LONGEST} characters")
    try:
        found = yaml_lines.parse(text)
    except YamlError as error:
        raise BadConfiguration(str(error)) from error
    if not isinstance(found.values, dict | None):
        raise BadConfiguration("line 1: it must be a mapping of keys, such as service: api")
    try:
        return Configuration.model_validate(found.values or {}, by_name=False, by_alias=True)
    except ValidationError as error:
        raise BadConfiguration(*_explained(error, found)) from None


def _explained(error: ValidationError, found: LocatedYaml) -> Iterator[str]:
    for item, (_, why) in zip(error.errors(include_input=False), problems(error), strict=True):
        line, key = found.line([str(part) for part in item["loc"]])
        yield f"line {line}, {key or 'the file'}: {why}"
