"""The variables of the templates: one flat set of names, built in one place.

Every name has one spelling, and templates that use another fail: nested data under two spellings (`service`,
`service_name`) once rendered as blanks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from functions.runs.model import naming
from functions.runs.model.repository_names import checkout, for_git, on_github
from functions.runs.model.run_spec import RunSpec
from functions.runs.model.spec_facts import RequestedTools
from functions.settings.agent import ToolPreset, ToolSettings
from functions.settings.model import Settings
from functions.templating.model_upstream import upstream

MARGIN_SECONDS = 120
"""An attempt stops this long before its deadline, to push and to report (SPEC section 7)."""


@dataclass(frozen=True, slots=True)
class AttemptContext:
    """The attempt that task files are rendered for."""

    run: str
    namespace: str
    uid: str
    attempt: int
    job_name: str
    spec: RunSpec
    branch: str
    """The run's branch, the only one that is pushed."""
    session_id: str
    resume: bool
    """Whether the attempt resumes the agent's session."""
    deadline_seconds: int

    @property
    def kind(self) -> str:
        """The name of the kind of work, such as `docs`."""
        return self.spec.kind.word

    @property
    def base_branch(self) -> str:
        """The branch that the work starts from and the pull request targets."""
        return self.spec.base_branch

    @property
    def retry(self) -> bool:
        """Whether an earlier attempt may have left work."""
        return self.attempt > 1 or (self.spec.requested_context_version or 1) > 1


def variables(attempt: AttemptContext, settings: Settings, hooks: Sequence[str]) -> dict[str, Any]:
    """Return every name that a template may use; the spec's fields have their own names, in snake_case."""
    spec = attempt.spec
    key = settings.secrets.api_key(spec.agent_cli)
    return {
        **dict(spec),
        "kind": attempt.kind,
        "run": attempt.run,
        "namespace": attempt.namespace,
        "uid": attempt.uid,
        "attempt": attempt.attempt,
        "workspace_claim": naming.workspace_claim(attempt.uid, attempt.attempt),
        "job_name": attempt.job_name,
        "branch": attempt.branch,
        "title": spec.title,
        "base_branch": attempt.base_branch,
        "session_id": attempt.session_id,
        "resume": attempt.resume,
        "retry": attempt.retry,
        "agent": spec.agent,
        "repository_directory": checkout(spec.repository_url),
        "work_seconds": max(1, attempt.deadline_seconds - min(MARGIN_SECONDS, attempt.deadline_seconds // 4)),
        "git_secret": naming.app_secret(spec) if spec.github_app else naming.ssh_secret(spec),
        "api_key_secret": key.secret if key else None,
        "api_key_key": key.key if key else None,
        "api_key_env": key.env if key else None,
        "model_upstream": upstream(settings, spec.agent_cli),
        "model_provider": settings.model,
        "github_api_url": settings.github.api_url,
        "github_host": settings.github.host,
        "github_repository": on_github(spec.repository_url, settings.github.host),
        "github_platform_repository": on_github(spec.task_repository_url, settings.github.host),
        "known_hosts": settings.github.known_hosts,
        "readable_repositories": {
            url: on_github(url, settings.github.host) for url in settings.github.readable_repositories
        },
        "permissions": settings.permissions,
        "telemetry": settings.telemetry,
        "hooks": list(hooks),
        "documents_root": ".taskmaster/docs" + (f"/{spec.task_tag}" if spec.task_tag not in (None, "master") else ""),
        "products": list(spec.products),
        "task_documents": spec.task_documents,
        "closing_reference": spec.closing_reference,
        **spec.own_variables(attempt.run),
        **_git_urls(spec, settings.github.host),
        **_tool_variables(spec.requested_tools, settings.tools),
    }


def _git_urls(spec: RunSpec, host: str) -> dict[str, str]:
    """Return the URLs of the run's repositories as the pod gives them to git."""
    urls = {"repository_url": spec.repository_url, "platform_repository_url": spec.task_repository_url}
    return {name: for_git(url, host, as_app=bool(spec.github_app)) for name, url in urls.items() if url}


def _tool_variables(requested: RequestedTools | None, tools: ToolSettings) -> dict[str, Any]:
    if requested is None:
        return {}
    preset: ToolPreset = getattr(tools, requested.preset)
    return {
        "local_servers": {name: server.model_dump() for name, server in tools.local_servers.items()},
        "remote_tools": requested.remote or preset.remote,
        "local_tools": requested.local or preset.local,
        "tool_server_url": tools.server_url,
    }
