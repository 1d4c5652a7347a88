"""The one configuration: typed, from a YAML file and the environment, complete before anything starts.

`ORCHESTRATOR_CONFIG` names the YAML file. Every key can also be set, or overridden, by an environment variable:
`ORCHESTRATOR_` + the key in upper case, sections joined by two underscores, as in `ORCHESTRATOR_AGENT__IMAGE`;
lists and mappings are written as JSON. An unknown key, a wrong value or a missing image stops start-up.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

PREFIX = "ORCHESTRATOR_"
NOT_SETTINGS = frozenset({"ORCHESTRATOR_CONFIG", "ORCHESTRATOR_API_URL"})
"""Variables with the prefix that are read elsewhere: the file's name, and what clients use."""

ROOT = Path(__file__).resolve().parent.parent


class SettingsError(Exception):
    """The configuration cannot be used; the text names every key and what to do."""


Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|[KMGTPE]i|[MGTPE])?$")]
"""Amount of a resource, as Kubernetes writes it: 500m, 2, 4Gi."""


class Section(BaseModel):
    """Settings cannot be changed after start, and a key nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Resources(Section):
    """CPU and memory of an agent's container, as Kubernetes quantities."""

    cpu: Quantity
    memory: Quantity


class JobSettings(Section):
    """Jobs that run attempts. Times in seconds."""

    code_deadline: Annotated[int, Field(ge=1, description="Longest a code attempt may take.")] = 7200
    docs_deadline: Annotated[int, Field(ge=1, description="Longest a docs attempt may take.")] = 14_400
    requests: Resources = Resources(cpu="100m", memory="256Mi")
    limits: Resources = Resources(cpu="2", memory="4Gi")
    ttl_after_finished: Annotated[
        int,
        Field(ge=86_400, le=2_147_483_647, description="How long a finished Job is kept; it is its attempt's lock."),
    ] = 86_400
    pending_wait: Annotated[int, Field(ge=1, description="How long a run waits for what people can mend.")] = 900
    max_retries: Annotated[int, Field(ge=0, le=10, description="Automatic retries per run.")] = 1
    backoff: Annotated[int, Field(ge=0, description="Wait before the first retry; doubled for each more.")] = 10
    workspace_size: Quantity = "10Gi"
    workspace_class: Annotated[str | None, Field(description="StorageClass; null: the cluster's default.")] = None


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


class LimitSettings(Section):
    """How many runs work at once; what is over a limit waits as Queued. null: no limit."""

    runs: Annotated[int | None, Field(ge=0, le=2000, description="Of the installation; 0 pauses it.")] = None
    per_service: Annotated[int | None, Field(ge=1, le=2000, description="Code runs of one service.")] = None
    per_agent: Annotated[int | None, Field(ge=1, le=2000, description="Of one agent or GitHub user.")] = None
    kueue_queue: Annotated[
        str, Field(description="Kueue LocalQueue that also admits each Job; empty: Jobs start at once.")
    ] = ""
    exclusive: Annotated[
        bool,
        Field(
            description="One code run per workspace and one docs run per repository, branch and directory at a time."
        ),
    ] = True


class RetentionSettings(Section):
    """How long things are kept, in days."""

    succeeded_days: Annotated[float, Field(ge=0, description="Runs that succeeded.")] = 7
    otherwise_days: Annotated[float, Field(ge=0, description="Runs that failed or were cancelled.")] = 30
    tombstone_days: Annotated[
        float,
        Field(ge=7, description="What tells a request that comes again of its deleted run; a queue keeps it 7 days."),
    ] = 7
    workspace_days: Annotated[
        float | None, Field(ge=1, description="Workspaces that no run names are reported after it; null: never.")
    ] = None
    delete_workspaces: Annotated[bool, Field(description="Delete them then, with all that is in them.")] = False


class PermissionSettings(Section):
    """What the agent's tools may do without asking."""

    agent_tools_override: Annotated[bool, Field(description="Use allow and deny below.")] = False
    allow: list[str] = []
    deny: list[str] = []


class GithubSettings(Section):
    """The Git host that repositories are on: github.com, or a GitHub Enterprise Server."""

    api_url: Annotated[
        str,
        Field(
            pattern=r"^https://[A-Za-z0-9.:-]+(/[A-Za-z0-9./_-]*)?$",
            description="REST API, as in https://HOST/api/v3.",
        ),
    ] = "https://api.github.com"
    known_hosts: Annotated[
        list[str], Field(description="SSH host keys of Git hosts besides github.com, as lines of a known_hosts file.")
    ] = []

    @property
    def host(self) -> str:
        """Where repositories are: name, and port where it is not the usual one."""
        return self.api_url.split("/")[2].removeprefix("api.")


class TelemetrySettings(Section):
    """OpenTelemetry export by the agent CLI."""

    enabled: bool = False
    otlp_endpoint: str = ""
    otlp_protocol: Literal["grpc", "http/protobuf", "http/json"] = "grpc"
    logs_endpoint: str = ""
    logs_protocol: Literal["grpc", "http/protobuf", "http/json"] = "grpc"


class ModelSettings(Section):
    """Models that clients use when none is given."""

    docs: str = "claude-opus-4-20250514"
    code: str = "claude-3-5-sonnet-20241022"


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


class AuthSettings(Section):
    """Who may call the submit functions."""

    mode: Annotated[
        Literal["none", "bearer", "iam"],
        Field(description="none: loopback only; bearer: tokens below; iam: the platform checked the OIDC token."),
    ] = "none"
    tokens: Annotated[
        dict[str, str], Field(description="Caller's name to bearer token, for mode bearer.", repr=False)
    ] = {}

    @model_validator(mode="after")
    def _bearer_needs_tokens(self) -> Self:
        if self.mode == "bearer" and not self.tokens:
            raise ValueError("tokens must name at least one caller when mode is bearer")
        return self


class QueueSettings(Section):
    """Where events are published: on the embedded queue (`url`) or on Google Pub/Sub (`project`), not on both.

    `endpoints`, `push_identity` and `push_audience` are what `orchestrator queues apply` sets up pushes with.
    """

    url: Annotated[str, Field(description="URL of the embedded queue.")] = ""
    project: Annotated[
        str,
        Field(pattern=r"^([a-z][a-z0-9.:-]{4,61}[a-z0-9])?$", description="Google Cloud project of the topics."),
    ] = ""
    prefix: Annotated[
        str,
        Field(
            pattern=r"^([a-z][a-z0-9-]{0,99})?$",
            description="Begins the names of topics and subscriptions on Pub/Sub, where several share a project.",
        ),
    ] = ""
    endpoints: Annotated[
        dict[str, Annotated[str, Field(pattern=r"^https?://[^\s]+$")]],
        Field(description="URL of each function, by its target (submit_docs, reconcile, ...)."),
    ] = {}
    push_identity: Annotated[str, Field(description="Service account whose OIDC token pushes carry.")] = ""
    push_audience: Annotated[str, Field(description="Audience of that token; empty: the function's URL.")] = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.url and self.project:
            raise ValueError("url (the embedded queue) and project (Pub/Sub) are both set; keep one of them")
        given = {"prefix": self.prefix, "endpoints": self.endpoints, "push_identity": self.push_identity}
        lost = [key for key, value in given.items() if value and not self.project]
        if lost:
            raise ValueError(f"{', '.join(lost)} set without project; set queues.project too")
        if self.push_audience and not self.push_identity:
            raise ValueError("push_audience is set without push_identity; set queues.push_identity too")
        return self

    @property
    def configured(self) -> bool:
        """Whether there is anything to publish to."""
        return bool(self.url or self.project)


class ClusterSettings(Section):
    """How the Kubernetes API is reached."""

    kubeconfig: Annotated[str, Field(description="Path; empty: in-cluster, else the usual KUBECONFIG.")] = ""
    context: Annotated[str, Field(description="Context of the kubeconfig; empty: its current one.")] = ""
    timeout: Annotated[float, Field(gt=0, description="Longest one API call may take, in seconds.")] = 10


class Settings(Section):
    """Everything that can be configured."""

    namespace: str = "orchestrator"
    templates: Path = ROOT / "templates"
    job: JobSettings = JobSettings()
    agent: AgentSettings
    secrets: SecretSettings = SecretSettings()
    retention: RetentionSettings = RetentionSettings()
    limits: LimitSettings = LimitSettings()
    permissions: PermissionSettings = PermissionSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    github: GithubSettings = GithubSettings()
    models: ModelSettings = ModelSettings()
    tools: ToolSettings = ToolSettings()
    auth: AuthSettings = AuthSettings()
    queues: QueueSettings = QueueSettings()
    cluster: ClusterSettings = ClusterSettings()


def load(environ: Mapping[str, str]) -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: with every problem, each named by its key.
    """
    values = _from_file(environ.get("ORCHESTRATOR_CONFIG"))
    for name, text in environ.items():
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            _put(values, name.removeprefix(PREFIX).lower().split("__"), text)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error))) from None


def _from_file(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    try:
        values = yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"ORCHESTRATOR_CONFIG: cannot read {path}: {error}") from error
    if not isinstance(values or {}, dict):
        raise SettingsError(f"ORCHESTRATOR_CONFIG: {path} must hold a mapping of sections")
    return values or {}


def _put(values: dict[str, Any], path: list[str], text: str) -> None:
    *sections, key = path
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise SettingsError(f"{PREFIX}{'__'.join(path).upper()}: {section} is not a section")
    values[key] = _value(text)


def _value(text: str) -> Any:
    """A list or mapping written as JSON, else the text itself: its setting knows what it should be."""
    try:
        return json.loads(text) if text.startswith(("[", "{")) else text
    except ValueError:
        return text


def _explain(error: ValidationError) -> list[str]:
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        keys = [str(part) for part in item["loc"]]
        variable = PREFIX + "__".join(keys).upper()
        what = "is required" if item["type"] == "missing" else item["msg"].removeprefix("Value error, ")
        lines.append(f"setting {'.'.join(keys)}: {what} (set it in the settings file or as {variable})")
    return lines
