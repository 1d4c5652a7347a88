"""What is in an attempt's container, and what the agent there may do."""

from typing import Annotated, Literal

from pydantic import Field

from functions.runs import default_models
from functions.settings.section import Section


class AgentSettings(Section):
    """The agent's container image; there is no default for it."""

    image: Annotated[str, Field(min_length=1, description="Repository of the image, without the tag.")]
    tag: Annotated[str, Field(min_length=1)] = "latest"
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    pull_secrets: list[str] = []


class ApiKey(Section):
    """Where the API key of an agent CLI is, and the environment variable that the CLI reads it from."""

    secret: Annotated[str, Field(min_length=1)]
    key: Annotated[str, Field(min_length=1)] = "api-key"
    env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*_API_KEY$")]


class SecretSettings(Section):
    """Secrets in the namespace of the runs."""

    api_key_secret_name: str = "claude-api-key"  # noqa: S105  (a name; of the agent CLI claude, as is the key)
    api_key_secret_key: str = "api-key"  # noqa: S105  (a key's name)
    api_keys: Annotated[dict[str, ApiKey], Field(description="By the name of any other agent CLI.")] = {
        "codex": ApiKey(secret="openai-api-key", env="OPENAI_API_KEY")  # noqa: S106  (a name)
    }
    allowed: Annotated[list[str], Field(description="Secrets that envFromSecrets may name.")] = []

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

    docs: str = default_models.DOCS
    code: str = default_models.CODE


class ToolPreset(Section):
    """MCP tools of a toolConfig."""

    remote: list[str] = []
    local: list[str] = []


class ToolSettings(Section):
    """MCP tool presets, and where the MCP client finds the tools' server."""

    server_url: Annotated[str, Field(description="URL of the tool server; empty: remote tools are off.")] = ""
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
