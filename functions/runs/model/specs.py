"""What a person asks for: the spec of each kind of run, in the words of the custom resources.

Python names are snake_case, the wire is camelCase. These models make the CRD schemas too (manifests/crds.py).
"""

import re
from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from functions.runs.model import fields
from functions.runs.model.kinds import RunKind

ONE_IDENTITY = "give exactly one of githubUser and githubApp"
CROSS_FIELD = "across_fields"
"""Type of the error of a rule that spans fields; its context has `problems`, by their names on the wire."""
CLAUDE_MODEL = (
    "must be a model of the agent CLI claude: an alias (opus, sonnet, haiku), a name with claude in it, "
    "or a Bedrock ARN"
)


class ApiModel(BaseModel):
    """A model whose wire names are camelCase. Unknown fields are ignored: a newer revision may know them."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        hide_input_in_errors=True,  # errors are logged, and what is wrong may be a secret
    )


class EnvVar(ApiModel):
    """One environment variable, as in a pod."""

    name: fields.EnvName
    value: fields.EnvValue = ""


class RequestedResources(ApiModel):
    """What the agent's container gets: requested, and its limit."""

    cpu: Annotated[fields.CpuAmount | None, Field(description="CPUs, such as 500m or 2.")] = None
    memory: Annotated[fields.BytesAmount | None, Field(description="Memory, such as 8Gi.")] = None
    ephemeral_storage: Annotated[
        fields.BytesAmount | None, Field(description="Storage outside the workspace, such as 10Gi.")
    ] = None

    @property
    def quantities(self) -> dict[str, str]:
        """The amounts that are given, by Kubernetes' names of resources."""
        found = {"cpu": self.cpu, "memory": self.memory, "ephemeral-storage": self.ephemeral_storage}
        return {name: str(amount) for name, amount in found.items() if amount is not None}


class RunSpec(ApiModel, ABC):
    """What docs and code runs have in common."""

    model_config = ConfigDict(
        # The rules that span fields, for the API server; `_across_fields` below says the same.
        json_schema_extra={
            "oneOf": [{"required": ["githubUser"]}, {"required": ["githubApp"]}],
            "anyOf": [
                {"not": {"properties": {"agentCli": {"enum": ["claude"]}}}},
                {"properties": {"model": {"pattern": fields.CLAUDE_MODEL}}},
            ],
        }
    )
    kind: ClassVar[RunKind]

    repository_url: Annotated[fields.RepositoryUrl, Field(description="Repository the work happens in.")]
    working_directory: Annotated[
        fields.WorkingDirectory, Field(description="Directory of the repository to work in.")
    ] = "."
    task_tag: Annotated[
        fields.TaskTag | None, Field(description="Task Master tag; default: the file's current one.")
    ] = None
    model: Annotated[fields.Model, Field(description="Model name or alias, passed verbatim.")]
    github_user: Annotated[fields.GithubUser | None, Field(description="GitHub login whose SSH key is used.")] = None
    github_app: Annotated[
        fields.GithubApp | None,
        Field(description="GitHub App, such as 5DLabs-Rex; its last part names the agent."),
    ] = None
    agent_cli: Annotated[fields.AgentCli, Field(description="Program that works: a directory of templates/.")] = (
        "claude"
    )
    env: Annotated[list[EnvVar] | None, Field(description="Environment variables for the agent.", max_length=64)] = None
    env_from_secrets: Annotated[
        list[fields.SecretName] | None,
        Field(description="Secrets whose keys become environment variables.", max_length=16),
    ] = None
    resources: Annotated[
        RequestedResources | None, Field(description="Of the agent's container, within the setting job.max_resources.")
    ] = None
    timeout_seconds: Annotated[int | None, Field(description="Longest an attempt may take.", ge=1, le=604_800)] = None
    max_retries: Annotated[int | None, Field(description="Automatic retries after failed attempts.", ge=0, le=10)] = (
        None
    )
    ttl_seconds_after_finished: Annotated[
        int | None, Field(description="How long a finished Job is kept.", ge=86_400, le=fields.INT32)
    ] = None
    cancel: Annotated[bool, Field(description="Set to true to stop the run.")] = False
    priority: Annotated[int, Field(description="Higher is admitted first.", ge=-1000, le=1000)] = 0
    max_turns: Annotated[int | None, Field(description="Most turns of the agent.", ge=1, le=fields.INT32)] = None
    max_cost_usd: Annotated[
        float | None, Field(description="Most the agent may spend, in US dollars.", gt=0, le=1_000_000)
    ] = None

    @model_validator(mode="after")
    def _across_fields(self) -> Self:
        wrong: dict[str, str] = {}
        if (self.github_user is None) == (self.github_app is None):
            wrong |= {"githubUser": ONE_IDENTITY, "githubApp": ONE_IDENTITY}
        if self.agent_cli == "claude" and not re.search(fields.CLAUDE_MODEL, self.model):
            wrong["model"] = CLAUDE_MODEL
        if wrong:
            told = "; ".join(f"{field}: {why}" for field, why in wrong.items())
            raise PydanticCustomError(CROSS_FIELD, "{told}", {"told": told, "problems": wrong})
        return self

    @property
    def agent(self) -> str | None:
        """The persona that works, such as `rex`; None for a githubUser."""
        return self.github_app.rsplit("-", 1)[-1].lower() if self.github_app else None

    @property
    @abstractmethod
    def base_branch(self) -> str:
        """The branch that work starts from and the pull request goes back to."""

    @property
    @abstractmethod
    def requested_context_version(self) -> int | None:
        """Raised by each person's retry; None for a kind that people submit again instead."""


class DocsRunSpec(RunSpec):
    """Documentation of the Task Master tasks of a working directory."""

    kind: ClassVar[RunKind] = RunKind.DOCS

    source_branch: Annotated[fields.Branch, Field(description="Branch to document; the pull request goes back to it.")]

    @property
    def base_branch(self) -> str:
        """The branch that work starts from and the pull request goes back to."""
        return self.source_branch

    @property
    def requested_context_version(self) -> None:
        """None: a docs run is submitted again instead."""


class CodeRunSpec(RunSpec):
    """Implementation of one Task Master task."""

    kind: ClassVar[RunKind] = RunKind.CODE

    task_id: Annotated[fields.TaskId, Field(description="Task Master task or subtask, such as 3, 1.2 or HAM-1.")]
    service: Annotated[fields.Service, Field(description="Service the work is for; owns the workspace.")]
    platform_repository_url: Annotated[
        fields.RepositoryUrl, Field(description="Repository the Task Master definitions come from.")
    ]
    platform_branch: Annotated[
        fields.Branch | None, Field(description="Its branch; default: that repository's default branch.")
    ] = None
    platform_directory: Annotated[
        fields.WorkingDirectory | None, Field(description="Directory there that holds .taskmaster.")
    ] = None
    branch: Annotated[fields.Branch, Field(description="Base of the work and of the pull request.")] = "main"
    local_tools: Annotated[
        fields.ToolList | None, Field(description="Local MCP tools, comma separated; replaces the preset's.")
    ] = None
    remote_tools: Annotated[
        fields.ToolList | None, Field(description="Remote MCP tools, comma separated; replaces the preset's.")
    ] = None
    tool_config: Annotated[Literal["minimal", "default", "advanced"], Field(description="Preset of MCP tools.")] = (
        "default"
    )
    context_version: Annotated[int, Field(description="Raised by each person's retry.", ge=1, le=fields.INT32)] = 1
    continue_session: Annotated[bool, Field(description="Take up the last session of the workspace.")] = False
    prompt_modification: Annotated[fields.Prompt | None, Field(description="What a person adds to the prompt.")] = None
    prompt_mode: Annotated[
        Literal["append", "replace"], Field(description="Whether it is added to the prompt or replaces it.")
    ] = "append"

    @property
    def base_branch(self) -> str:
        """The branch that work starts from and the pull request goes back to."""
        return self.branch

    @property
    def requested_context_version(self) -> int:
        """Raised by each person's retry."""
        return self.context_version

    @property
    def task_directory(self) -> str:
        """The directory of the platform repository that holds `.taskmaster`."""
        if self.platform_directory is not None:
            return self.platform_directory
        return self.working_directory if self.platform_repository_url == self.repository_url else "."


AnySpec = DocsRunSpec | CodeRunSpec
"""The spec of a run of any kind. Where kinds differ, `match` it and end in `assert_never`."""

SPECS: dict[str, type[DocsRunSpec] | type[CodeRunSpec]] = {
    RunKind.DOCS: DocsRunSpec,
    RunKind.CODE: CodeRunSpec,
}
"""The spec model of each kind of run."""


def wire(model: BaseModel) -> dict[str, Any]:
    """`model` as JSON on the wire: camelCase, without what is absent."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
