"""The objects nested in payloads, after GitHub's schemas."""

from typing import Any

Object = dict[str, Any]
AT = "2026-01-02T03:04:05Z"
API = "https://api.github.example"
SHA = "4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e"


def user(login: str = "octocat", kind: str = "User") -> Object:
    return {
        "login": login,
        "id": 583231,
        "node_id": "MDQ6VXNlcjU4MzIzMQ==",
        "name": None,
        "email": None,
        "avatar_url": f"https://avatars.example/{login}",
        "gravatar_id": "",
        "url": f"{API}/users/{login}",
        "html_url": f"https://github.example/{login}",
        "type": kind,
        "user_view_type": "public",
        "site_admin": False,
    }


ORGANIZATION = {
    "login": "acme",
    "id": 9919,
    "node_id": "MDEyOk9yZw==",
    "url": f"{API}/orgs/acme",
    "description": None,
}
INSTALLATION = {"id": 77, "node_id": "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uNzc="}
APP = {
    "id": 15368,
    "slug": "github-actions",
    "client_id": "Iv1.0123456789abcdef",
    "node_id": "MDM6QXBwMTUzNjg=",
    "owner": user("github", "Organization"),
    "name": "GitHub Actions",
    "description": None,
    "external_url": "https://help.example/actions",
    "html_url": "https://github.example/apps/github-actions",
    "created_at": AT,
    "updated_at": AT,
    "permissions": {"checks": "write", "contents": "read"},
    "events": ["push"],
}
REPOSITORY: Object = {
    "id": 35129377,
    "node_id": "MDEwOlJlcG9zaXRvcnkzNTEyOTM3Nw==",
    "name": "shop",
    "full_name": "acme/shop",
    "private": True,
    "owner": user("acme", "Organization"),
    "html_url": "https://github.example/acme/shop",
    "description": None,
    "fork": False,
    "url": f"{API}/repos/acme/shop",
    "git_url": "git://github.example/acme/shop.git",
    "ssh_url": "git@github.example:acme/shop.git",
    "clone_url": "https://github.example/acme/shop.git",
    "created_at": AT,
    "updated_at": AT,
    "pushed_at": 1767323045,
    "homepage": None,
    "size": 0,
    "stargazers_count": 0,
    "language": None,
    "has_issues": True,
    "forks_count": 0,
    "mirror_url": None,
    "archived": False,
    "disabled": False,
    "license": None,
    "allow_forking": True,
    "topics": [],
    "visibility": "private",
    "open_issues": 2,
    "default_branch": "main",
    "custom_properties": {},
}
LABEL = {"id": 208045946, "name": "bug", "color": "f29513", "default": True, "description": None, "url": API}
MILESTONE = {"id": 1, "number": 1, "title": "v1", "state": "open", "description": None, "due_on": None}
REACTIONS = {"url": API, "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "eyes": 0}


def reference(branch: str) -> Object:
    return {"label": f"acme:{branch}", "ref": branch, "sha": SHA, "user": user("acme"), "repo": REPOSITORY}


ISSUE: Object = {
    "id": 444500041,
    "number": 7,
    "title": "Spelling error in the README",
    "body": None,
    "user": user(),
    "labels": [LABEL],
    "state": "open",
    "state_reason": None,
    "locked": False,
    "assignee": None,
    "assignees": [user("hubot")],
    "milestone": None,
    "comments": 0,
    "author_association": "OWNER",
    "active_lock_reason": None,
    "performed_via_github_app": None,
    "reactions": REACTIONS,
    "created_at": AT,
    "updated_at": AT,
    "closed_at": None,
    "html_url": "https://github.example/acme/shop/issues/7",
    "url": f"{API}/repos/acme/shop/issues/7",
    "timeline_url": f"{API}/repos/acme/shop/issues/7/timeline",
    "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0},
}
PULL_REQUEST: Object = {
    "id": 279147437,
    "number": 2,
    "state": "open",
    "locked": False,
    "title": "Update the README",
    "user": user(),
    "body": None,
    "html_url": "https://github.example/acme/shop/pull/2",
    "diff_url": "https://github.example/acme/shop/pull/2.diff",
    "created_at": AT,
    "updated_at": AT,
    "closed_at": None,
    "merged_at": None,
    "merge_commit_sha": None,
    "assignee": None,
    "assignees": [],
    "requested_reviewers": [],
    "requested_teams": [],
    "labels": [],
    "milestone": None,
    "head": reference("agents/run-1-3f2b8"),
    "base": reference("main"),
    "author_association": "OWNER",
    "auto_merge": None,
    "draft": False,
    "merged": False,
    "mergeable": None,
    "rebaseable": None,
    "mergeable_state": "unknown",
    "merged_by": None,
    "comments": 0,
    "commits": 1,
    "additions": 1,
    "deletions": 1,
    "changed_files": 1,
}
COMMENT: Object = {
    "id": 492700400,
    "user": user(),
    "body": "You are right! I will fix it.",
    "author_association": "OWNER",
    "html_url": "https://github.example/acme/shop/issues/7#issuecomment-492700400",
    "issue_url": f"{API}/repos/acme/shop/issues/7",
    "performed_via_github_app": None,
    "reactions": REACTIONS,
    "created_at": AT,
    "updated_at": AT,
}
CHECK_SUITE: Object = {
    "id": 118578147,
    "head_branch": None,
    "head_sha": SHA,
    "status": "completed",
    "conclusion": "failure",
    "url": API,
    "before": None,
    "after": None,
    "pull_requests": [],
    "app": APP,
    "created_at": AT,
    "updated_at": AT,
    "latest_check_runs_count": 1,
    "head_commit": {
        "id": SHA,
        "tree_id": SHA,
        "message": "x",
        "timestamp": AT,
        "author": {"name": "o", "email": None},
    },
}
CHECK_RUN: Object = {
    "id": 128620228,
    "name": "Octocoders-linter",
    "head_sha": SHA,
    "external_id": "",
    "url": API,
    "html_url": "https://github.example/acme/shop/runs/128620228",
    "details_url": None,
    "status": "completed",
    "conclusion": "failure",
    "started_at": AT,
    "completed_at": AT,
    "output": {"title": None, "summary": None, "text": None, "annotations_count": 0, "annotations_url": API},
    "check_suite": CHECK_SUITE,
    "app": APP,
    "pull_requests": [
        {"id": 1, "number": 2, "url": API, "head": {"ref": "x", "sha": SHA, "repo": {"id": 1, "name": "shop"}}}
    ],
}
