"""The variables of the templates: one flat set of names, built in one place.

Every name has one spelling, and templates that use another fail: nested data under two spellings (`service`,
`service_name`) once rendered as blanks.
"""

import hashlib
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from functions.runs import tool_availability
from functions.runs.model import naming
from functions.runs.model.specs import AnySpec, CodeRunSpec, DocsRunSpec
from functions.settings import Settings
from functions.settings.agent import ToolPreset, ToolSettings

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
    spec: AnySpec
    branch: str
    """The run's branch, the only one that is pushed."""
    session_id: str
    resume: bool
    """Whether the attempt resumes the agent's session."""
    deadline_seconds: int

    @property
    def kind(self) -> str:
        """`docs` or `code`."""
        return self.spec.kind.word

    @property
    def base_branch(self) -> str:
        """The branch that the work starts from and the pull request targets."""
        return self.spec.base_branch

    @property
    def retry(self) -> bool:
        """Whether an earlier attempt may have left work."""
        return self.attempt > 1 or getattr(self.spec, "context_version", 1) > 1


def variables(attempt: AttemptContext, settings: Settings, hooks: Sequence[str]) -> dict[str, Any]:
    """Return every name that a template may use; the spec's fields have their own names, in snake_case."""
    spec = attempt.spec
    key = settings.secrets.api_key(spec.agent_cli)
    return {
        **{name: getattr(spec, name) for name in type(spec).model_fields},
        "kind": attempt.kind,
        "run": attempt.run,
        "namespace": attempt.namespace,
        "uid": attempt.uid,
        "attempt": attempt.attempt,
        "job_name": attempt.job_name,
        "branch": attempt.branch,
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
        "github_api_url": settings.github.api_url,
        "github_host": settings.github.host,
        "github_repository": on_github(spec.repository_url, settings.github.host),
        "github_platform_repository": on_github(getattr(spec, "platform_repository_url", ""), settings.github.host),
        "known_hosts": settings.github.known_hosts,
        "permissions": settings.permissions,
        "telemetry": settings.telemetry,
        "hooks": list(hooks),
        "documents_root": ".taskmaster/docs" + (f"/{spec.task_tag}" if spec.task_tag not in (None, "master") else ""),
        **_own_variables(spec, attempt.run, settings.tools),
    }


def _own_variables(spec: AnySpec, run: str, tools: ToolSettings) -> dict[str, Any]:
    match spec:
        case DocsRunSpec():
            return {}
        case CodeRunSpec():
            return _code(spec, run, tools)
        case _:
            assert_never(spec)


def _code(spec: CodeRunSpec, run: str, tools: ToolSettings) -> dict[str, Any]:
    preset: ToolPreset = getattr(tools, spec.tool_config)
    return {
        "taskmaster_directory": posixpath.normpath(f"{spec.task_directory}/.taskmaster"),
        "platform_store": checkout(spec.platform_repository_url) + ".git",
        "task_documents": f".taskmaster/docs/task-{spec.task_id}",
        "pull_request_file": f".orchestrator/{run}-pull-request.md",
        "local_servers": {name: server.model_dump() for name, server in tools.local_servers.items()},
        "remote_tools": tool_availability.split_names(spec.remote_tools) or preset.remote,
        "local_tools": tool_availability.split_names(spec.local_tools) or preset.local,
        "tool_server_url": tools.server_url,
    }


def checkout(url: str) -> str:
    """Return the workspace directory of a repository: readable, and unique for its URL."""
    name = url.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].removesuffix(".git")
    words = "".join(c if c.isascii() and c.isalnum() else "-" for c in name).strip("-")
    return f"{words[:40] or 'repository'}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"


def on_github(url: str, host: str) -> str:
    """Return `owner/name` of a repository on the Git host, by any of its URLs; empty if it is on another host."""
    name = re.escape(host.split(":")[0])
    prefix = rf"(?:https://{re.escape(host)}/|ssh://git@{name}(?::\d+)?/|git@{name}:)"
    found = re.fullmatch(rf"{prefix}([\w.-]+/[\w.-]+?)(?:\.git)?/?", url, re.ASCII)
    return found[1] if found else ""
