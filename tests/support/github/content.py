"""The content of the simulated GitHub, as objects of its REST API."""

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
    """State that all repositories share: address, clock, and sequence of ids."""

    clock: Callable[[], datetime]
    url: str = "http://127.0.0.1"
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1001))

    def now(self) -> str:
        return self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")


def user(login: str) -> Object:
    """Return a user, or a bot if the login ends in [bot]."""
    kind = "Bot" if login.endswith("[bot]") else "User"
    return {"login": login, "id": 500 + sum(login.encode()), "type": kind, "site_admin": False}


@dataclass
class Repository:
    """One repository, and the actions of people in it."""

    place: Site
    full_name: str
    id: int
    installation: int | None = 77
    former_names: list[str] = field(default_factory=list)
    default_branch: str = "main"
    people: dict[str, str] = field(default_factory=lambda: {"octocat": "write"})
    """Permission by login: admin, maintain, write, triage, read; other logins may read."""
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """Content by (ref, path)."""
    branches: dict[str, str] = field(default_factory=lambda: {"main": "a" * 40})
    """Commit by branch, if `bare` is None."""
    bare: Path | None = None
    """A bare repository on disk, for tests that use git."""
    issues: dict[int, Object] = field(default_factory=dict)
    """Issues and pull requests by number."""
    pulls: dict[int, Object] = field(default_factory=dict)
    comments: dict[int, Object] = field(default_factory=dict)
    """Comments on issues and pull requests by id."""
    checks: dict[int, Object] = field(default_factory=dict)
    review_comments: dict[int, Object] = field(default_factory=dict)
    reactions: list[Object] = field(default_factory=list)
    reviews: dict[int, list[Object]] = field(default_factory=dict)
    """Reviews by number of the pull request."""
    statuses: list[Object] = field(default_factory=list)
    annotations: dict[int, list[Object]] = field(default_factory=dict)
    """Annotations by id of the check run."""
    job_logs: dict[int, str] = field(default_factory=dict)
    """Logs by id of the job, which is that of its check run."""

    @property
    def owner(self) -> str:
        return self.full_name.split("/")[0]

    @property
    def html_url(self) -> str:
        return f"{self.place.url}/{self.full_name}"

    def rename(self, name: str) -> None:
        """Rename or transfer the repository; calls by a former name are redirected (REST API: Follow redirects)."""
        self.former_names.append(self.full_name)
        self.full_name = name
        for pull in self.pulls.values():
            pull["head"]["label"] = f"{self.owner}:{pull['head']['ref']}"

    def tips(self) -> dict[str, str]:
        """Return the commit of each branch."""
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
        """Create an issue."""
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
        """Create a pull request; `fork` is the full name of its head's repository, if it is another one."""
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
        """Comment on an issue or pull request."""
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
        """Return the comments on an issue or pull request, oldest first."""
        suffix = f"/issues/{number}"
        return [each for each in self.comments.values() if each["issue_url"].endswith(suffix)]
