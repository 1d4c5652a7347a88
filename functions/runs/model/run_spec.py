"""The part of a spec that all kinds of run share, and the facts that each kind adds.

Python names are snake_case, the wire is camelCase. The models make the CRD schemas too (manifests/crds.py). Code that
depends on the kind reads the abstract members below: mypy reports a kind that lacks one where `specs.SPECS` lists it.
"""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

from functions.runs.model import fields, repository_names
from functions.runs.model.api_model import ApiModel
from functions.runs.model.kinds import RunKind
from functions.runs.model.spec_facts import Purpose, RequestedTools, TaskIdentity

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

ONE_IDENTITY = "give exactly one of githubUser and githubApp"
CROSS_FIELD = "across_fields"
"""Type of the error of a rule that spans fields; its context has `problems`, by their names on the wire."""
CLAUDE_MODEL = (
    "must be a model of the agent CLI claude: an alias (opus, sonnet, haiku), a name with claude in it, "
    "or a Bedrock ARN"
)

TimeoutSeconds = Annotated[int, Field(ge=1, le=604_800)]
"""The largest value is one week."""
MaxRetries = Annotated[int, Field(ge=0, le=10)]
MaxTurns = Annotated[int, Field(ge=1, le=fields.INT32)]
MaxCostUsd = Annotated[float, Field(gt=0, le=1_000_000)]


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
        amounts = {"cpu": self.cpu, "memory": self.memory, "ephemeral-storage": self.ephemeral_storage}
        return {name: str(amount) for name, amount in amounts.items() if amount is not None}


SCHEMA_RULES: dict[str, Any] = {
    "oneOf": [{"required": ["githubUser"]}, {"required": ["githubApp"]}],
    "anyOf": [
        {"not": {"properties": {"agentCli": {"enum": ["claude"]}}}},
        {"properties": {"model": {"pattern": fields.CLAUDE_MODEL}}},
    ],
}
"""The rules that span fields, for the API server; `cross_field_problems` says the same."""


class RunSpec(ApiModel, ABC):
    """What all kinds of run have in common."""

    model_config = ConfigDict(json_schema_extra=SCHEMA_RULES)
    kind: ClassVar[RunKind]
    smallest: ClassVar[Mapping[str, Any]] = {
        "repositoryUrl": "https://deleted.invalid/run.git",
        "model": "claude-deleted",
        "githubUser": "deleted",
    }
    """The smallest valid spec on the wire; each kind adds its required fields."""
    alternatives: ClassVar[Mapping[str, Any]] = {"githubApp": "deleted"}
    """Valid values of fields that stand in place of those of the smallest spec."""

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
        Field(description="GitHub App, such as Acme-Rex; its last part names the agent."),
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
    timeout_seconds: Annotated[TimeoutSeconds | None, Field(description="Longest an attempt may take.")] = None
    max_retries: Annotated[MaxRetries | None, Field(description="Automatic retries after failed attempts.")] = None
    ttl_seconds_after_finished: Annotated[
        int | None, Field(description="How long a finished Job is kept.", ge=86_400, le=fields.INT32)
    ] = None
    cancel: Annotated[bool, Field(description="Set to true to stop the run.")] = False
    priority: Annotated[int, Field(description="Higher is admitted first.", ge=-1000, le=1000)] = 0
    max_turns: Annotated[MaxTurns | None, Field(description="Most turns of the agent.")] = None
    max_cost_usd: Annotated[MaxCostUsd | None, Field(description="Most the agent may spend, in US dollars.")] = None

    @model_validator(mode="after")
    def _validate_across_fields(self) -> Self:
        wrong = self.cross_field_problems()
        if wrong:
            text = "; ".join(f"{field}: {why}" for field, why in wrong.items())
            raise PydanticCustomError(CROSS_FIELD, "{text}", {"text": text, "problems": wrong})
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _report_all_problems(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Report what is wrong with fields together beside single fields, for which pydantic would stop before.

        It wraps the validator above, which is why it stands below it.

        Fields with problems of their own are replaced by those of the smallest valid spec for the second look.
        """
        try:
            return handler(data)
        except ValidationError as error:
            problems = error.errors(include_url=False)
            wrong = {str(item["loc"][0]) for item in problems if item["loc"]}
            if not wrong or not isinstance(data, Mapping):
                raise
            try:
                handler(cls._with_valid_placeholders(data, wrong))
            except ValidationError as second:
                across = [item for item in second.errors(include_url=False) if item["type"] == CROSS_FIELD]
                lines = [_line(item) for item in (*problems, *across)]
                raise ValidationError.from_exception_data(cls.__name__, lines, hide_input=True) from None
            raise

    @classmethod
    def _with_valid_placeholders(cls, data: Mapping[str, Any], wrong: Iterable[str]) -> dict[str, Any]:
        """Return the data with a valid value for each of these fields, or without the field if none is known."""
        valid = {**cls.smallest, **cls.alternatives}
        known = {name: valid[to_camel(name)] for name in wrong if to_camel(name) in valid}
        return {**{name: value for name, value in data.items() if name not in wrong}, **known}

    def cross_field_problems(self) -> dict[str, str]:
        """Return what is wrong with fields together, by their names on the wire."""
        wrong: dict[str, str] = {}
        if (self.github_user is None) == (self.github_app is None):
            wrong |= {"githubUser": ONE_IDENTITY, "githubApp": ONE_IDENTITY}
        if self.agent_cli == "claude" and not re.search(fields.CLAUDE_MODEL, self.model):
            wrong["model"] = CLAUDE_MODEL
        return wrong

    @property
    def agent(self) -> str | None:
        """The persona that works, such as `rex`; None for a githubUser."""
        return self.github_app.rsplit("-", 1)[-1].lower() if self.github_app else None

    @property
    def repositories(self) -> Mapping[str, str]:
        """The URLs of the repositories that an attempt reads or writes, by their fields on the wire."""
        return {"repositoryUrl": self.repository_url}

    @property
    def identity(self) -> str:
        """Whose credentials an attempt uses: `agent/rex` or `user/octocat`."""
        return f"agent/{self.agent}" if self.agent else f"user/{(self.github_user or '').lower()}"

    @property
    @abstractmethod
    def base_branch(self) -> str:
        """The branch that work starts from and the pull request goes back to."""

    @property
    @abstractmethod
    def requested_context_version(self) -> int | None:
        """Raised by each retry; None for a kind that is submitted again instead."""

    @property
    @abstractmethod
    def task_identity(self) -> TaskIdentity | None:
        """The task; None for a kind without one."""

    @property
    def task_repository_url(self) -> str:
        """The repository of the task's definition; empty for a kind without a task."""
        return ""

    @property
    @abstractmethod
    def task_arguments(self) -> Sequence[str]:
        """Arguments of the command line that name the task; none for a kind without one."""

    @property
    @abstractmethod
    def workspace(self) -> str | None:
        """The name of the volume claim that outlives the run; None for a kind whose workspace is its pod's."""

    @property
    def workspace_key(self) -> str:
        """Whose workspaces the run may use: 8 hexadecimal digits of the SHA-256 of identity and repository."""
        whose = f"{self.identity}\n{repository_names.identity(self.repository_url)}"
        return hashlib.sha256(whose.encode()).hexdigest()[:8]

    @property
    def former_workspace(self) -> str | None:
        """The name that an earlier version gave the workspace, which unfinished runs may still use; None if none."""
        return None

    @property
    @abstractmethod
    def name_prefix(self) -> str:
        """How the run's name begins: at most 25 characters, the last a hyphen."""

    @property
    @abstractmethod
    def own_capacity_keys(self) -> Sequence[str]:
        """The keys of limited capacity that only this kind uses (admission/capacity.py)."""

    @property
    @abstractmethod
    def requested_tools(self) -> RequestedTools | None:
        """The MCP tools of the agent; None for a kind without any."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The title of the pull request and of a commit that saves uncommitted work."""

    @property
    @abstractmethod
    def purpose(self) -> Purpose:
        """What the run does, for people."""

    @property
    @abstractmethod
    def products(self) -> Sequence[str]:
        """Directories, below the working directory, that are committed even where the repository ignores them."""

    @property
    def task_documents(self) -> str | None:
        """The directory with copies of the task's documents, which is not committed; None for a kind without a task."""
        return f".taskmaster/docs/task-{self.task_identity.id}" if self.task_identity else None

    @property
    def closing_reference(self) -> str:
        """The line of a pull request that has GitHub close the task's issue; empty if the task is not an issue."""
        return ""

    @abstractmethod
    def own_variables(self, run: str) -> Mapping[str, Any]:
        """Return the template variables that only this kind has, besides its fields; `run` is the run's name."""


def _line(item: "ErrorDetails") -> InitErrorDetails:
    """Return an error as it was found, to be raised again beside others."""
    context = item.get("ctx") if item["type"] == CROSS_FIELD else None
    message: Any = "{text}" if context else item["msg"]
    custom = PydanticCustomError(item["type"], message, context)
    return InitErrorDetails(type=custom, loc=item["loc"], input=item["input"])
