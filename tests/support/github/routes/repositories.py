"""Repositories, their files, branches and permissions."""

import base64
from typing import TYPE_CHECKING, Any

from tests.support.github.calls import Call, refuse, route
from tests.support.github.content import Repository, user

if TYPE_CHECKING:
    from tests.support.github.server import Github

ROLES = {"admin": "admin", "maintain": "write", "write": "write", "triage": "read", "read": "read", "none": "none"}
"""The permission of each role (Get repository permissions for a user)."""


@route("GET", "/repos/{repository}", "metadata")
def repository(github: "Github", call: Call, repository: Repository) -> Any:
    return repository.shown()


@route("GET", "/repos/{repository}/collaborators/{login}/permission", "metadata")
def permission(github: "Github", call: Call, repository: Repository, login: str) -> Any:
    if login.endswith("[bot]") or login == "Copilot":
        raise refuse(404, f"{login} is not a user")
    role = repository.people.get(login, "read")
    return {"permission": ROLES[role], "role_name": role, "user": user(login)}


@route("GET", "/repos/{repository}/contents/{path*}", "contents")
def contents(github: "Github", call: Call, repository: Repository, path: str) -> Any:
    found = repository.files.get((call.query.get("ref") or repository.default_branch, path))
    if found is None:
        raise refuse(404, "Not Found")
    text = base64.encodebytes(found).decode()
    shown = {"type": "file", "encoding": "base64", "name": path.rsplit("/", 1)[-1], "path": path}
    return shown | {"size": len(found), "content": text, "sha": "b" * 40}


@route("GET", "/repos/{repository}/git/ref/heads/{branch*}", "contents")
def branch(github: "Github", call: Call, repository: Repository, branch: str) -> Any:
    if branch not in repository.tips():
        raise refuse(404, "Not Found")
    return {"ref": f"refs/heads/{branch}", "object": {"type": "commit", "sha": repository.tips()[branch]}}
