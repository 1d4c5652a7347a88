"""What is in an attempt's container, and what the agent there may do."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from functions.runs.model import default_models
from functions.runs.model.fields import AgentCli, Model
from functions.settings.names import ImageRepository, ImageTag, SecretKey, SecretName
from functions.settings.types import Section
from functions.settings.values import UrlOrNone


class AgentSettings(Section):
    """The agent's container image; there is no default for it."""

    image: Annotated[ImageRepository, Field(description="Repository of the image, without the tag.")]
    tag: Annotated[ImageTag, Field(description="Its tag, and after it @sha256:DIGEST if wanted.")] = "latest"
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    pull_secrets: list[SecretName] = []


class ApiKey(Section):
    """Where the API key of an agent CLI is, and the environment variable that the CLI reads it from."""

    secret: SecretName
    key: SecretKey = "api-key"
    env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*_API_KEY$")]


class SecretSettings(Section):
    """Secrets in the namespace of the runs."""

    api_key_secret_name: SecretName = "claude-api-key"  # noqa: S105  (a name; of the agent CLI claude, as is the key)
    api_key_secret_key: SecretKey = "api-key"  # noqa: S105  (a key's name)
    api_keys: Annotated[dict[AgentCli, ApiKey], Field(description="By the name of any other agent CLI.")] = {
        "codex": ApiKey(secret="openai-api-key", env="OPENAI_API_KEY")  # noqa: S106  (a name)
    }
    allowed: Annotated[list[SecretName], Field(description="Secrets that envFromSecrets may name.")] = []

    @field_validator("api_keys")
    @classmethod
    def _others(cls, api_keys: dict[str, ApiKey]) -> dict[str, ApiKey]:
        if "claude" in api_keys:
            raise ValueError("claude has settings of its own; set secrets.api_key_secret_name and api_key_secret_key")
        return api_keys

    def api_key(self, agent_cli: str) -> ApiKey | None:
        """The API key of an agent CLI; None for one that has none."""
        if agent_cli == "claude":
            return ApiKey(secret=self.api_key_secret_name, key=self.api_key_secret_key, env="ANTHROPIC_API_KEY")
        return self.api_keys.get(agent_cli)


class PermissionSettings(Section):
    """What the agent's tools may do without asking."""

    agent_tools_override: Annotated[bool, Field(description="Use allow and deny below.")] = False
    allow: list[str] = []
    deny: list[str] = []


class ModelSettings(Section):
    """Models that clients use when none is given."""

    docs: Model = default_models.DOCS
    code: Model = default_models.CODE


class ToolPreset(Section):
    """MCP tools of a toolConfig."""

    remote: list[str] = []
    local: list[str] = []


class ToolSettings(Section):
    """MCP tool presets, and where the MCP client finds the tools' server."""

    server_url: Annotated[UrlOrNone, Field(description="URL of the tool server; empty: remote tools are off.")] = ""
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
