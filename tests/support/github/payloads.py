"""Webhook payloads of events in a repository (Webhook events and payloads)."""

from typing import Any

from tests.support.github.content import Object, Repository, user


def _common(repository: Repository, by: str, action: str | None = None) -> Object:
    owner = user(repository.owner)
    found: Object = {
        "repository": repository.shown(),
        "organization": {"login": owner["login"], "id": owner["id"]},
        "sender": user(by),
    }
    if repository.installation is not None:
        found["installation"] = {"id": repository.installation, "node_id": "MDIzOkludGVncmF0aW9u"}
    return found | ({"action": action} if action else {})


def issue_comment(repository: Repository, number: int, comment: Object, action: str = "created") -> Object:
    """Return the payload of a comment on an issue or pull request; also for `edited` and `deleted`."""
    common = _common(repository, comment["user"]["login"], action)
    return common | {"issue": repository.issues[number], "comment": comment}


def issue(repository: Repository, number: int, action: str, by: str = "octocat", **more: Any) -> Object:
    """Return the payload of an issue: `opened`, `labeled` with label={"name"}, `assigned` with assignee, and so on."""
    return _common(repository, by, action) | {"issue": repository.issues[number], **more}


def pull_request(repository: Repository, number: int, action: str, by: str = "octocat", **more: Any) -> Object:
    """Return the payload of a pull request: `opened`, `synchronize`, `closed` and so on."""
    return _common(repository, by, action) | {"number": number, "pull_request": repository.pulls[number], **more}


def review(repository: Repository, number: int, state: str, body: str | None, by: str = "octocat") -> Object:
    """Return the payload of a submitted review; `state` is approved, commented or changes_requested."""
    identifier = next(repository.place.ids)
    written = {
        "id": identifier,
        "user": user(by),
        "body": body,
        "state": state,
        "commit_id": repository.pulls[number]["head"]["sha"],
        "submitted_at": repository.place.now(),
        "html_url": f"{repository.html_url}/pull/{number}#pullrequestreview-{identifier}",
        "author_association": "MEMBER",
    }
    return _common(repository, by, "submitted") | {"review": written, "pull_request": repository.pulls[number]}


def review_comment(repository: Repository, number: int, body: str, by: str = "octocat") -> Object:
    """Return the payload of a comment on a line of a pull request."""
    identifier = next(repository.place.ids)
    written = {
        "id": identifier,
        "pull_request_review_id": None,
        "body": body,
        "user": user(by),
        "path": "shop.py",
        "diff_hunk": "@@ -1 +1 @@",
        "created_at": repository.place.now(),
        "html_url": f"{repository.html_url}/pull/{number}#discussion_r{identifier}",
        "pull_request_url": f"{repository.place.url}/repos/{repository.full_name}/pulls/{number}",
        "author_association": "MEMBER",
    }
    repository.review_comments[identifier] = written
    return _common(repository, by, "created") | {"comment": written, "pull_request": repository.pulls[number]}


def check_run(
    repository: Repository,
    branch: str,
    conclusion: str = "failure",
    name: str = "tests",
    app: str = "ci",
    **more: Any,
) -> Object:
    """Return the payload of a check on a branch that another App completed."""
    identifier = next(repository.place.ids)
    ran = {
        "id": identifier,
        "name": name,
        "status": "completed",
        "conclusion": conclusion,
        "head_sha": repository.branches.get(branch, "c" * 40),
        "external_id": "",
        "html_url": f"{repository.html_url}/runs/{identifier}",
        "details_url": f"https://ci.example/{identifier}",
        "app": {"id": 1, "slug": app},
        "output": {"title": "2 tests failed", "summary": "test_a, test_b", "text": None},
        "check_suite": {"id": 5, "head_branch": branch, "head_sha": "c" * 40, "pull_requests": []},
        "pull_requests": [],
    }
    return _common(repository, f"{app}[bot]", "completed") | {"check_run": ran | more}


def branch_deleted(repository: Repository, branch: str, by: str = "octocat") -> Object:
    """Return the payload of a deleted branch."""
    return _common(repository, by) | {"ref": branch, "ref_type": "branch", "pusher_type": "user"}


def installation(repository: Repository, action: str, by: str = "octocat") -> Object:
    """Return an event without a repository: `created`, `deleted`, `suspend`, `new_permissions_accepted`."""
    common = _common(repository, by, action)
    del common["repository"]
    named = {"id": repository.id, "full_name": repository.full_name, "private": True}
    whole = {"id": repository.installation, "app_id": 12345, "account": user(repository.owner)}
    return common | {"installation": whole, "repositories": [named]}


def merge_group(repository: Repository, number: int, commit: str) -> Object:
    """Return the payload with which a merge queue requests checks of its own commit of a pull request."""
    base = "a" * 40
    group = {
        "head_sha": commit,
        "head_ref": f"refs/heads/gh-readonly-queue/main/pr-{number}-{base}",
        "base_sha": base,
        "base_ref": "refs/heads/main",
        "head_commit": {"id": commit, "timestamp": repository.place.now()},
    }
    return _common(repository, "github-merge-queue[bot]", "checks_requested") | {"merge_group": group}


def status(repository: Repository, branch: str, commit: str, state: str = "failure", context: str = "ci") -> Object:
    """Return the payload of a commit status."""
    made = {"id": next(repository.place.ids), "sha": commit, "state": state, "context": context}
    made |= {
        "description": "2 tests failed",
        "target_url": "https://ci.example/1",
        "updated_at": repository.place.now(),
    }
    repository.statuses.append(made)
    return _common(repository, "ci[bot]") | made | {"branches": [{"name": branch}]}
