"""The identities and namespaces that a caller may use; they determine a run's credentials and workspace. Pure.

The agent counts, not the App that names it: `Other-Rex` has the secret and the workspace of `Acme-Rex`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from functions.runs.model.run_spec import RunSpec

ANY = "*"


@dataclass(frozen=True, slots=True)
class Grant:
    """The permissions of a caller; `*` means all."""

    users: Collection[str] = ()
    """GitHub logins, for githubUser."""
    agents: Collection[str] = ()
    """As in `rex`."""
    namespaces: Collection[str] = ()


def violations(caller: str, rights: Grant, spec: RunSpec, namespace: str) -> list[tuple[str, str]]:
    """Return why the caller may not have that run: pairs of a field, and what is wrong and what would be right."""
    return [(field, f"{caller} may not use the {why}") for field, why in _refusals(rights, spec, namespace)]


def _refusals(rights: Grant, spec: RunSpec, namespace: str) -> Iterator[tuple[str, str]]:
    allowed = f"allowed users: {_listed(rights.users)}; allowed agents: {_listed(rights.agents)}"
    if not _among(namespace, rights.namespaces):
        yield "namespace", f"namespace {namespace}; allowed namespaces: {_listed(rights.namespaces)}"
    if spec.github_user and not _among(spec.github_user.lower(), [user.lower() for user in rights.users]):
        yield "githubUser", f"user {spec.github_user}; {allowed}"
    if spec.agent and not _among(spec.agent, rights.agents):
        yield "githubApp", f"agent {spec.agent}; {allowed}"


def _among(name: str, allowed: Collection[str]) -> bool:
    return ANY in allowed or name in allowed


def _listed(allowed: Collection[str]) -> str:
    """Return the names for people."""
    return "all" if ANY in allowed else ", ".join(sorted(allowed)) or "none"
