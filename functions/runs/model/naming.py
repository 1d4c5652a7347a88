"""Names of everything that is created for a run: functions of the run, so that a repeated step finds the same name."""

import hashlib
import uuid
from collections.abc import Sequence

from functions.runs import api_group
from functions.runs.model.kinds import RunKind
from functions.runs.model.run_spec import RunSpec


def job_name(spec_kind: str, run: str, uid: str, attempt: int) -> str:
    """Return the name of the attempt's Job: at most 4 + 1 + 45 + 1 + 5 + 1 + 6 = 63 characters, a label's limit."""
    return f"{RunKind(spec_kind).word}-{run}-{uid[:5]}-{attempt}"


def branch(run: str, uid: str) -> str:
    """Return the run's own branch, the only one that its agent commits on."""
    return f"agents/{run}-{uid[:5]}"


def user(spec: RunSpec) -> str:
    """Return the githubUser in lower case, as GitHub logins do not differ by case; empty without one."""
    return (spec.github_user or "").lower()


def ssh_secret(spec: RunSpec) -> str:
    """Name of the Secret with the SSH key of a githubUser.

    A `_`, which Enterprise Managed Users have in their logins and no Secret has in its name, becomes a `.`.
    """
    return f"github-ssh-{user(spec).replace('_', '.')}"


def app_secret(spec: RunSpec) -> str:
    """Return the name of the Secret with the key of a githubApp."""
    return f"github-app-{spec.agent}"


def session_id(uid: str, context_version: int, attempt: int) -> str:
    """Return the id of the agent's session, which is thereby known before it starts and after it was killed.

    A later attempt that starts afresh gets a session of its own: an agent CLI refuses an id that is in use.
    """
    return str(uuid.uuid5(uuid.UUID(uid), f"{context_version}" if attempt == 1 else f"{context_version}/{attempt}"))


def workspace_claim(uid: str, attempt: int) -> str:
    """Return the name of an attempt's claim on its workspace, which needs the run's uid.

    An agent that does not know the run's uid cannot guess it.
    """
    return str(uuid.uuid5(uuid.UUID(uid), f"claim/{attempt}"))


def run_name(key: str) -> str:
    """Return a run's name as a function of its scoped idempotency key alone; 96 bits keep keys apart."""
    return f"run-{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def next_name(spec: RunSpec, earlier: Sequence[str]) -> str:
    """Return the name of the run that follows those of the same task with the uids `earlier`."""
    return f"{spec.name_prefix}{_turn(spec, earlier)[:10]}"


def task_claim(spec: RunSpec, earlier: Sequence[str]) -> str:
    """Return the name of the ConfigMap that claims the task for that next run."""
    return f"claim-{_turn(spec, earlier)[:24]}"


def _turn(spec: RunSpec, earlier: Sequence[str]) -> str:
    url = spec.task_identity.url if spec.task_identity else ""
    seen = [*sorted(run_labels(spec).items()), *filter(None, (spec.task_tag, url)), *sorted(earlier)]
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def tombstone(spec_kind: str, run: str) -> str:
    """Return the name of the ConfigMap that a deleted run leaves, so that a late redelivery creates no second run."""
    return f"{RunKind(spec_kind).word}-{run}-tombstone"


MANAGED_BY = {"app.kubernetes.io/managed-by": "orchestrator"}
"""Label of every object that the functions create, except runs, which may be of people and their tools."""


def labels(spec: RunSpec) -> dict[str, str]:
    """Return the labels of everything created for a run."""
    return {"app.kubernetes.io/name": "agent-run", **MANAGED_BY, **run_labels(spec)}


def subject(spec: RunSpec) -> dict[str, str | None]:
    """Return what a run works on, as its status records it: `task`, `service` and `agent`."""
    label_values = run_labels(spec)
    names = {"task": "task-id", "service": "service"}
    named = {field: label_values.get(api_group.label(name)) for field, name in names.items()}
    return named | {"agent": spec.agent or spec.github_user}


def run_labels(spec: RunSpec) -> dict[str, str]:
    """Return the labels of a run: only names of our own group, because people and their tools own the others."""
    common = {api_group.label("kind"): spec.kind.word}
    if spec.agent:
        common[api_group.label("agent")] = spec.agent
    if spec.github_user:
        common[api_group.label("user")] = user(spec)
    task = spec.task_identity
    if task:
        common |= {api_group.label("service"): task.service, api_group.label("task-id"): str(task.id)}
    return common
