"""Names of everything a run makes: functions of the run, so that whoever repeats a step makes the same name."""

import hashlib
import re
import uuid
from collections.abc import Sequence

from functions.runs import api_group
from functions.runs.model.specs import CodeRunSpec, RunSpec


def kind_of_work(spec_kind: str) -> str:
    """`docs` or `code` for DocsRun or CodeRun."""
    return {"DocsRun": "docs", "CodeRun": "code"}[spec_kind]


def job_name(spec_kind: str, run: str, uid: str, attempt: int) -> str:
    """Name of the attempt's Job: at most 4 + 1 + 45 + 1 + 5 + 1 + 6 = 63 characters, a label's limit."""
    return f"{kind_of_work(spec_kind)}-{run}-{uid[:5]}-{attempt}"


def branch(run: str, uid: str) -> str:
    """The run's own branch, the only one an agent commits on."""
    return f"agents/{run}-{uid[:5]}"


def workspace(spec: RunSpec) -> str | None:
    """Name of the workspace claim of a code run; docs runs have no lasting workspace."""
    if not isinstance(spec, CodeRunSpec):
        return None
    return "-".join(filter(None, ("workspace", spec.service, spec.agent)))


def user(spec: RunSpec) -> str:
    """The githubUser as one word however it was written; GitHub logins do not differ by case ("" without one)."""
    return (spec.github_user or "").lower()


def ssh_secret(spec: RunSpec) -> str:
    """Name of the Secret with the SSH key of a githubUser.

    A `_`, which Enterprise Managed Users have in their logins and no Secret has in its name, becomes a `.`.
    """
    return f"github-ssh-{user(spec).replace('_', '.')}"


def app_secret(spec: RunSpec) -> str:
    """Name of the Secret with the key of a githubApp."""
    return f"github-app-{spec.agent}"


def session_id(uid: str, context_version: int, attempt: int) -> str:
    """The agent's session: chosen by us, so that it is known before the agent starts and after it was killed.

    A later attempt that starts afresh gets a session of its own: an agent CLI refuses an id that is in use.
    """
    return str(uuid.uuid5(uuid.UUID(uid), f"{context_version}" if attempt == 1 else f"{context_version}/{attempt}"))


def run_name(key: str) -> str:
    """A run's name as a function of the (already scoped) idempotency key alone; 96 bits keep keys apart."""
    return f"run-{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def next_name(spec: RunSpec, earlier: Sequence[str]) -> str:
    """Name of the run after those of its labels with the uids `earlier`; the same for all who see the same ones."""
    return f"{name_prefix(spec)}{_turn(spec, earlier)[:10]}"


def task_claim(spec: RunSpec, earlier: Sequence[str]) -> str:
    """Name of the ConfigMap by which that next run is claimed; the same for all who see the same ones."""
    return f"claim-{_turn(spec, earlier)[:24]}"


def _turn(spec: RunSpec, earlier: Sequence[str]) -> str:
    tag = [spec.task_tag] if isinstance(spec, CodeRunSpec) and spec.task_tag else []
    seen = [*sorted(labels(spec).items()), *tag, *sorted(earlier)]
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def tombstone(spec_kind: str, run: str) -> str:
    """Name of the ConfigMap that a deleted run leaves, so that a late redelivery makes no second run."""
    return f"{kind_of_work(spec_kind)}-{run}-tombstone"


def name_prefix(spec: RunSpec) -> str:
    """How the name of a run begins, ending in a hyphen, with room for what makes it unique."""
    if isinstance(spec, CodeRunSpec):
        return f"{spec.service[:16].rstrip('-')}-t{_short_task_id(spec.task_id)}-"
    repository = spec.repository_url.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].removesuffix(".git")
    words = "".join(c if c.isascii() and c.isalnum() else "-" for c in repository.lower())
    return f"{words[:19].strip('-') or 'docs'}-docs-"


def _short_task_id(task_id: int | str) -> str:
    """Return the id, or the end of it, as a part of a DNS label of at most 6 characters."""
    if isinstance(task_id, int):
        return str(task_id % 1_000_000)
    return re.sub(r"[^a-z0-9]+", "-", task_id.lower())[-6:].strip("-")


def labels(spec: RunSpec) -> dict[str, str]:
    """Labels of a run and of everything made for it."""
    found = {
        "app.kubernetes.io/name": "agent-run",
        "app.kubernetes.io/managed-by": "orchestrator",
        api_group.label("kind"): kind_of_work(spec.kind),
    }
    if isinstance(spec, CodeRunSpec):
        found |= {api_group.label("service"): spec.service, api_group.label("task-id"): str(spec.task_id)}
    if spec.agent:
        found[api_group.label("agent")] = spec.agent
    return found
