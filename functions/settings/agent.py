"""The agent: its container image, its API keys, its permissions, models and tools."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from functions.runs.model.fields import AgentCli, DnsLabel, Model
from functions.runs.model.kinds import RunKind
from functions.runs.model.per_kind import field_per_kind
from functions.settings.types import ImageRepository, ImageTag, SecretKey, SecretName, Section, UrlOrNone


class AgentSettings(Section):
    """The agent's container image; there is no default for it."""

    image: Annotated[ImageRepository, Field(description="Repository of the image, without the tag.")]
    tag: Annotated[ImageTag, Field(description="Tag of the image, optionally followed by @sha256:DIGEST.")] = "latest"
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    pull_secrets: list[SecretName] = []


class ApiKey(Section):
    """Where the API key of an agent CLI is, which environment variable the CLI reads, and where the API is."""

    secret: SecretName
    key: SecretKey = "api-key"
    env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*_API_KEY$")]
    url: Annotated[UrlOrNone, Field(description="Base URL of its model's API, which the broker asks.")] = ""
    credential: Annotated[
        Literal["api_key", "bearer_token"], Field(description="Sent in the header x-api-key, or in Authorization.")
    ] = "bearer_token"
    paths: Annotated[
        list[str], Field(description="Regular expressions of the API's paths below the URL that may be called.")
    ] = ["responses(/[\\w-]+)?", "chat/completions", "models(/[\\w.:-]+)?"]


class SecretSettings(Section):
    """Names of Secrets in the namespace of the runs."""

    api_key_secret_name: SecretName = "claude-api-key"  # noqa: S105  (a name, for the agent CLI claude)
    api_key_secret_key: SecretKey = "api-key"  # noqa: S105  (a key's name)
    api_keys: Annotated[dict[AgentCli, ApiKey], Field(description="Of other agent CLIs, by their names.")] = {
        "codex": ApiKey(secret="openai-api-key", env="OPENAI_API_KEY", url="https://api.openai.com/v1")  # noqa: S106  (a name)
    }
    allowed: Annotated[list[SecretName], Field(description="Secrets that envFromSecrets may name.")] = []

    @field_validator("api_keys")
    @classmethod
    def _without_claude(cls, api_keys: dict[str, ApiKey]) -> dict[str, ApiKey]:
        if "claude" in api_keys:
            raise ValueError(
                "claude has its own settings; set secrets.api_key_secret_name and secrets.api_key_secret_key"
            )
        return api_keys

    def api_key(self, agent_cli: str) -> ApiKey | None:
        """Return where the API key of an agent CLI is, or None if it has none."""
        if agent_cli == "claude":
            return ApiKey(secret=self.api_key_secret_name, key=self.api_key_secret_key, env="ANTHROPIC_API_KEY")
        return self.api_keys.get(agent_cli)


class PermissionSettings(Section):
    """Tool permissions of the agent; tools outside these rules are denied."""

    agent_tools_override: Annotated[
        bool, Field(description="Use allow and deny below in place of the built-in rules.")
    ] = False
    allow: list[str] = []
    deny: list[str] = []


@field_per_kind("{word}", lambda kind: (Model, kind.default_model))
class ModelSettings(Section):
    """Models that clients use by default."""

    def of(self, kind: RunKind) -> str:
        """Return the model of runs of that kind that name none."""
        model: str = getattr(self, kind.word)
        return model


class ToolPreset(Section):
    """The MCP tools of one toolConfig."""

    remote: list[str] = []
    local: list[str] = []


class LocalServer(Section):
    """A program of the agent image that serves MCP on its standard input."""

    command: Annotated[str, Field(min_length=1, max_length=200)]
    args: Annotated[
        list[str], Field(description="Its arguments; ${ORCHESTRATOR_WORKSPACE} stands for the workspace.")
    ] = []


class ToolSettings(Section):
    """MCP tool presets, and the server of the remote tools."""

    server_url: Annotated[UrlOrNone, Field(description="URL of the tool server; empty: no remote tools.")] = ""
    local_servers: Annotated[dict[DnsLabel, LocalServer], Field(description="What localTools may name.")] = {
        "filesystem": LocalServer(command="mcp-server-filesystem", args=["${ORCHESTRATOR_WORKSPACE}"])
    }
    minimal: ToolPreset = ToolPreset()
    default: ToolPreset = ToolPreset(remote=["brave_web_search", "memory_query", "docs_query"])
    advanced: ToolPreset = ToolPreset(
        remote=[
            "brave_web_search",
            "memory_query",
            "docs_query",
            "github_list_issues",
            "kubernetes_list_resources",
            "terraform_search_providers",
        ],
        local=["filesystem"],
    )
