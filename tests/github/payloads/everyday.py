"""The common events, in each of the actions that differ in form."""

from tests.github.payloads.parts import (
    API,
    APP,
    AT,
    CHECK_RUN,
    CHECK_SUITE,
    COMMENT,
    INSTALLATION,
    ISSUE,
    LABEL,
    MILESTONE,
    ORGANIZATION,
    PULL_REQUEST,
    REACTIONS,
    REPOSITORY,
    SHA,
    Object,
    user,
)


def _from(action: str | None = None, **parts: object) -> Object:
    common = {"action": action} if action else {}
    return {**common, "repository": REPOSITORY, "sender": user(), **parts}


def _in_organization(action: str | None = None, **parts: object) -> Object:
    return _from(action, **parts) | {"organization": ORGANIZATION, "installation": INSTALLATION}


REVIEW = {
    "id": 237895671,
    "user": user(),
    "body": None,
    "commit_id": SHA,
    "submitted_at": AT,
    "state": "changes_requested",
    "html_url": "https://github.example/acme/shop/pull/2#pullrequestreview-237895671",
    "author_association": "OWNER",
    "_links": {"html": {"href": API}, "pull_request": {"href": API}},
}
REVIEW_COMMENT = {
    "id": 284312630,
    "pull_request_review_id": None,
    "diff_hunk": "@@ -1 +1 @@",
    "path": "README.md",
    "position": None,
    "line": 1,
    "start_line": None,
    "commit_id": SHA,
    "user": user(),
    "body": "Perhaps more words.",
    "author_association": "OWNER",
    "reactions": REACTIONS,
    "html_url": "https://github.example/acme/shop/pull/2#discussion_r284312630",
    "created_at": AT,
    "updated_at": AT,
}
MERGE_GROUP: Object = {
    "head_sha": SHA,
    "head_ref": f"refs/heads/gh-readonly-queue/main/pr-2-{SHA}",
    "base_sha": SHA,
    "base_ref": "refs/heads/main",
    "head_commit": {"id": SHA, "tree_id": SHA, "message": "Merge", "timestamp": AT, "author": None, "committer": None},
}
COMMIT = {
    "id": SHA,
    "tree_id": SHA,
    "distinct": True,
    "message": "Fix it",
    "timestamp": AT,
    "url": API,
    "author": {"name": "octocat", "email": None, "username": "octocat"},
    "committer": {"name": "octocat", "email": None},
    "added": [],
    "removed": [],
    "modified": ["README.md"],
}
INSTALLED = {
    "id": 77,
    "account": user("acme", "Organization"),
    "repository_selection": "selected",
    "app_id": 12345,
    "app_slug": "5dlabs-rex",
    "target_id": 9919,
    "target_type": "Organization",
    "permissions": {"issues": "write"},
    "events": ["issues"],
    "single_file_name": None,
    "suspended_by": None,
    "suspended_at": None,
    "created_at": AT,
    "updated_at": AT,
}
NAMED = {"id": 35129377, "node_id": "MDE=", "name": "shop", "full_name": "acme/shop", "private": True}
PERSON = {"sender": user()}
RELEASE = {"id": 1, "tag_name": "v1", "name": None, "body": None, "draft": False, "author": user(), "assets": []}
DEPLOYMENT = {
    "id": 1,
    "sha": SHA,
    "ref": "main",
    "task": "deploy",
    "payload": {},
    "creator": None,
    "environment": "x",
}
RUN = {"id": 1, "name": None, "head_branch": None, "head_sha": SHA, "status": "completed", "conclusion": None}
JOB = {"id": 1, "run_id": 1, "head_sha": SHA, "status": "queued", "conclusion": None, "labels": [], "runner_id": None}
DISCUSSION = {"id": 1, "number": 3, "title": "x", "body": None, "user": None, "category": {"id": 1, "name": "Ideas"}}
TEAM = {"id": 1, "name": "a", "slug": "a", "description": None, "privacy": "closed", "parent": None}
HOOK = {"type": "App", "id": 1, "name": "web", "active": True, "events": ["push"], "config": {"content_type": "json"}}

FORK_GONE = PULL_REQUEST | {"head": PULL_REQUEST["head"] | {"repo": None, "user": None}}

EVERYDAY: dict[str, list[Object]] = {
    "check_run": [
        _in_organization("completed", check_run=CHECK_RUN),
        _from("created", check_run=CHECK_RUN | {"conclusion": None, "app": None, "check_suite": None}),
        _from("requested_action", check_run=CHECK_RUN, requested_action={"identifier": "fix"}),
    ],
    "check_suite": [
        _from("completed", check_suite=CHECK_SUITE),
        _from("requested", check_suite=CHECK_SUITE),
        _from("rerequested", check_suite=CHECK_SUITE),
    ],
    "commit_comment": [_from("created", comment=COMMENT | {"commit_id": SHA, "line": None, "path": None})],
    "create": [_from(ref="simple-tag", ref_type="tag", master_branch="main", description=None, pusher_type="user")],
    "delete": [
        _from(ref="agents/run-1-3f2b8", ref_type="branch", pusher_type="user"),
        _in_organization(ref="v1", ref_type="tag", pusher_type="deploy_key"),
    ],
    "deployment": [_from("created", deployment=DEPLOYMENT, workflow=None, workflow_run=None)],
    "deployment_status": [
        _from("created", deployment=DEPLOYMENT, deployment_status={"id": 1, "state": "success"}, check_run=None)
    ],
    "discussion": [_from("created", discussion=DISCUSSION), _from("answered", discussion=DISCUSSION, answer=COMMENT)],
    "discussion_comment": [_from("created", discussion=DISCUSSION, comment=COMMENT)],
    "fork": [_from(forkee=REPOSITORY | {"fork": True, "full_name": "octocat/shop"})],
    "installation": [
        PERSON | {"action": "created", "installation": INSTALLED, "repositories": [NAMED], "requester": None},
        PERSON | {"action": "suspend", "installation": INSTALLED | {"suspended_at": AT}},
    ],
    "installation_repositories": [
        PERSON
        | {
            "action": "removed",
            "installation": INSTALLED,
            "repository_selection": "selected",
            "repositories_added": [],
            "repositories_removed": [NAMED],
            "requester": None,
        }
    ],
    "issue_comment": [
        _in_organization("created", issue=ISSUE, comment=COMMENT),
        _from("created", issue=ISSUE | {"pull_request": {"url": API, "merged_at": None}}, comment=COMMENT),
        _from("edited", issue=ISSUE, comment=COMMENT, changes={"body": {"from": "/code 3"}}),
        _from("deleted", issue=ISSUE, comment=COMMENT | {"user": None, "performed_via_github_app": APP}),
    ],
    "issues": [
        _from("opened", issue=ISSUE),
        _from("opened", issue=ISSUE | {"user": None}),
        _in_organization("labeled", issue=ISSUE, label=LABEL),
        _from("labeled", issue=ISSUE),
        _from("assigned", issue=ISSUE | {"assignee": user("hubot")}, assignee=user("hubot")),
        _from("assigned", issue=ISSUE, assignee=None),
        _from("transferred", issue=ISSUE, changes={"new_issue": ISSUE, "new_repository": REPOSITORY}),
        _from("milestoned", issue=ISSUE | {"milestone": MILESTONE}, milestone=MILESTONE),
        _from("edited", issue=ISSUE, changes={"title": {"from": "x"}}, label=LABEL),
    ],
    "label": [_from("created", label=LABEL), _from("edited", label=LABEL, changes={"color": {"from": "0"}})],
    "member": [_from("added", member=user("hubot"), changes={"permission": {"to": None}})],
    "merge_group": [
        _in_organization("checks_requested", merge_group=MERGE_GROUP),
        _from("checks_requested", merge_group=MERGE_GROUP | {"head_ref": "refs/heads/main"}),
        _from("destroyed", merge_group=MERGE_GROUP, reason="merged"),
    ],
    "milestone": [_from("created", milestone=MILESTONE | {"creator": None})],
    "ping": [
        {"zen": "Keep it logically awesome.", "hook_id": 1, "hook": HOOK},
        {"zen": "Design for failure.", "hook_id": 1, "hook": HOOK, "organization": ORGANIZATION, **PERSON},
    ],
    "pull_request": [
        _in_organization("opened", number=2, pull_request=PULL_REQUEST),
        _from("synchronize", number=2, pull_request=PULL_REQUEST, before=SHA, after=SHA),
        _from("closed", number=2, pull_request=PULL_REQUEST | {"merged": True, "merged_at": AT, "state": "closed"}),
        _from(
            "closed",
            number=2,
            pull_request=FORK_GONE,
        ),
        _from("labeled", number=2, pull_request=PULL_REQUEST, label=LABEL),
        _from("assigned", number=2, pull_request=PULL_REQUEST, assignee=None),
        _from("review_requested", number=2, pull_request=PULL_REQUEST, requested_team=TEAM),
        _from("dequeued", number=2, pull_request=PULL_REQUEST, reason="MERGE"),
    ],
    "pull_request_review": [
        _in_organization("submitted", review=REVIEW, pull_request=PULL_REQUEST),
        _from("submitted", review=REVIEW | {"user": None, "state": "commented"}, pull_request=PULL_REQUEST),
        _from("dismissed", review=REVIEW | {"state": "dismissed"}, pull_request=PULL_REQUEST),
    ],
    "pull_request_review_comment": [
        _from("created", comment=REVIEW_COMMENT, pull_request=PULL_REQUEST),
        _from("edited", comment=REVIEW_COMMENT, pull_request=PULL_REQUEST, changes={"body": {"from": "x"}}),
    ],
    "pull_request_review_thread": [
        _from("resolved", pull_request=PULL_REQUEST, thread={"node_id": "x", "comments": [REVIEW_COMMENT]})
    ],
    "push": [
        _in_organization(
            ref="refs/heads/main",
            before=SHA,
            after=SHA,
            base_ref=None,
            compare=API,
            created=False,
            deleted=False,
            forced=False,
            commits=[COMMIT],
            head_commit=None,
            pusher={"name": "octocat", "email": None},
        )
    ],
    "release": [_from("published", release=RELEASE), _from("edited", release=RELEASE, changes={})],
    "repository": [
        _from("created"),
        _from("renamed", changes={"repository": {"name": {"from": "store"}}}),
        _from("transferred", changes={"owner": {"from": {"user": user("before")}}}),
    ],
    "star": [_from("created", starred_at=AT), _from("deleted", starred_at=None)],
    "status": [
        _from(id=1, sha=SHA, name="acme/shop", target_url=None, context="default", description=None, state="success")
        | {"commit": {"sha": SHA}, "branches": [{"name": "main", "commit": {"sha": SHA}, "protected": False}]}
    ],
    "watch": [_from("started")],
    "workflow_dispatch": [_from(inputs=None, ref="main", workflow=".github/workflows/a.yaml")],
    "workflow_job": [_from("queued", workflow_job=JOB), _from("waiting", workflow_job=JOB, deployment=DEPLOYMENT)],
    "workflow_run": [
        _from("completed", workflow={"id": 1, "name": "ci"}, workflow_run=RUN | {"pull_requests": [], "actor": None}),
        _from("requested", workflow=None, workflow_run=RUN),
    ],
}
