"""What is on this GitHub, in the shapes in which its REST API shows it."""

import itertools
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

Object = dict[str, Any]


@dataclass
class Site:
    """What all repositories share: one address, one clock, one sequence of ids."""

    clock: Callable[[], datetime]
    url: str = "http://127.0.0.1"
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1001))

    def now(self) -> str:
        return self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")


def user(login: str) -> Object:
    """A person, or a bot where the login says so."""
    kind = "Bot" if login.endswith("[bot]") else "User"
    return {"login": login, "id": 500 + sum(login.encode()), "type": kind, "site_admin": False}


@dataclass
class Repository:
    """One repository, and what people do there."""

    place: Site
    full_name: str
    id: int
    installation: int | None = 77
    former_names: list[str] = field(default_factory=list)
    default_branch: str = "main"
    people: dict[str, str] = field(default_factory=lambda: {"octocat": "write"})
    """Permission by login: admin, maintain, write, triage, read; a login that is not in it may read."""
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """Content by (ref, path)."""
    branches: dict[str, str] = field(default_factory=lambda: {"main": "a" * 40})
    """Commit by branch, of a repository without files."""
    bare: Path | None = None
    """A bare repository, where git itself is to work with this one."""
    issues: dict[int, Object] = field(default_factory=dict)
    """By number; a pull request is one of them."""
    pulls: dict[int, Object] = field(default_factory=dict)
    comments: dict[int, Object] = field(default_factory=dict)
    """By id, of issues and of pull requests."""
    checks: dict[int, Object] = field(default_factory=dict)
    review_comments: dict[int, Object] = field(default_factory=dict)
    reactions: list[Object] = field(default_factory=list)
    reviews: dict[int, list[Object]] = field(default_factory=dict)
    """By number of the pull request."""
    statuses: list[Object] = field(default_factory=list)
    annotations: dict[int, list[Object]] = field(default_factory=dict)
    """By check run."""
    job_logs: dict[int, str] = field(default_factory=dict)
    """By job, whose id is that of its check run."""

    @property
    def owner(self) -> str:
        return self.full_name.split("/")[0]

    @property
    def html_url(self) -> str:
        return f"{self.place.url}/{self.full_name}"

    def rename(self, name: str) -> None:
        """Renames or transfers it; calls by a former name are redirected (REST API: Follow redirects)."""
        self.former_names.append(self.full_name)
        self.full_name = name
        for pull in self.pulls.values():
            pull["head"]["label"] = f"{self.owner}:{pull['head']['ref']}"

    def tips(self) -> dict[str, str]:
        """Commit by branch."""
        if self.bare is None:
            return self.branches
        command = ["git", "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads"]
        listed = subprocess.run(command, cwd=self.bare, check=True, capture_output=True, text=True).stdout
        return dict(line.split(" ") for line in listed.splitlines())

    def shown(self) -> Object:
        return {
            "id": self.id,
            "name": self.full_name.split("/")[1],
            "full_name": self.full_name,
            "private": True,
            "fork": False,
            "owner": user(self.owner),
            "html_url": self.html_url,
            "clone_url": f"{self.html_url}.git",
            "ssh_url": f"git@{self.place.url.split('//')[1]}:{self.full_name}.git",
            "default_branch": self.default_branch,
        }

    def open_issue(self, title: str = "An issue", body: str | None = "Its text", by: str = "octocat") -> Object:
        """A new issue."""
        number = len(self.issues) + 1
        self.issues[number] = {
            "id": next(self.place.ids),
            "number": number,
            "title": title,
            "body": body,
            "state": "open",
            "locked": False,
            "user": user(by),
            "labels": [],
            "assignee": None,
            "assignees": [],
            "comments": 0,
            "author_association": "MEMBER",
            "html_url": f"{self.html_url}/issues/{number}",
            "created_at": self.place.now(),
            "updated_at": self.place.now(),
        }
        return self.issues[number]

    def open_pull(
        self,
        head: str,
        base: str = "main",
        title: str = "A pull request",
        body: str | None = "",
        by: str = "octocat",
        fork: str = "",
    ) -> Object:
        """A new pull request; `fork` is the full name of the repository that its head is in, if not this one."""
        issue = self.open_issue(title, body, by)
        number, html_url = issue["number"], f"{self.html_url}/pull/{issue['number']}"
        issue |= {"html_url": html_url, "pull_request": {"html_url": html_url}}
        source = fork or self.full_name
        shown = {key: issue[key] for key in ("number", "title", "body", "user", "state", "html_url", "labels")}
        self.pulls[number] = shown | {
            "id": next(self.place.ids),
            "merged": False,
            "draft": False,
            "head": {
                "ref": head,
                "label": f"{source.split('/')[0]}:{head}",
                "sha": self.tips().get(head) or self.branches.setdefault(head, f"{number:040x}"),
                "repo": self.shown() | ({"full_name": fork, "id": self.id + 1, "fork": True} if fork else {}),
            },
            "base": {"ref": base, "label": f"{self.owner}:{base}", "repo": self.shown()},
            "created_at": self.place.now(),
            "updated_at": self.place.now(),
        }
        return self.pulls[number]

    def comment(self, number: int, body: str, by: str = "octocat", app: Object | None = None) -> Object:
        """A new comment on an issue or pull request."""
        identifier = next(self.place.ids)
        self.comments[identifier] = {
            "id": identifier,
            "body": body,
            "user": user(by),
            "author_association": "MEMBER",
            "performed_via_github_app": app,
            "html_url": f"{self.issues[number]['html_url']}#issuecomment-{identifier}",
            "issue_url": f"{self.place.url}/repos/{self.full_name}/issues/{number}",
            "created_at": self.place.now(),
            "updated_at": self.place.now(),
        }
        return self.comments[identifier]

    def comments_on(self, number: int) -> list[Object]:
        """The oldest first."""
        suffix = f"/issues/{number}"
        return [each for each in self.comments.values() if each["issue_url"].endswith(suffix)]
