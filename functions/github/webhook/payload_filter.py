"""Reduces a payload to the fields that the rules read: GitHub sends up to 25 MB, a queue takes far less. Pure.

Fields keep the names and places of GitHub's payloads (Webhook events and payloads), so that a rule reads like GitHub's
documentation. Fields that are not listed here, or have another type than listed, are dropped; any JSON object is
accepted. Absent and null fields are normal.

Long texts are cut and end with CUT; long lists are cut too. The limits are the first of SIZES with which the result
fits into MAX_BYTES. Comments and reviews that GitHub really sends are never cut, because a command behind the cut
would be lost silently; the output of a check may be.
"""

import json
from collections.abc import Mapping
from typing import Any

MAX_BYTES = 1024 * 1024
"""Bytes of JSON. A comment's 65,536 characters take at most 12 bytes each; base64 by a wrapped Pub/Sub push makes it
half of what a function accepts (serving/http.py)."""

SIZES = ((65536, 20), (16384, 20), (4096, 20), (1024, 20), (1024, 3), (256, 3), (64, 1))
"""Pairs of characters of a text and items of a list; a comment has at most 65,536 characters."""

CUT = "\n[cut here: the rest is on GitHub]"

MAX_INTEGER = 2**63

Shape = Mapping[str, Any]
Size = tuple[int, int]
VALUE = object()
"""A string, an integer, true, false, or null."""


def _values(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), VALUE)


USER = _values("id login type")
APP = _values("id slug")
REPOSITORY = _values("id full_name default_branch clone_url ssh_url html_url private fork")
REF = _values("ref sha label") | {"repo": _values("id full_name fork")}
PULL_REFS = {"head": REF, "base": REF}
PULL_REQUEST = (
    _values("id number title state html_url merged merged_at merge_commit_sha draft created_at updated_at closed_at")
    | PULL_REFS
    | {"user": USER, "labels": [_values("name")], "assignees": [USER]}
)
ISSUE = _values("id number title state html_url locked created_at updated_at closed_at") | {
    "user": USER,
    "labels": [_values("name")],
    "assignees": [USER],
    "pull_request": _values("html_url merged_at"),
}
COMMENT = _values(
    "id body html_url created_at updated_at author_association pull_request_review_id in_reply_to_id path"
    " line original_line start_line diff_hunk"
) | {
    "user": USER,
    "performed_via_github_app": APP,
}
REVIEW = _values("id body state html_url submitted_at updated_at commit_id author_association") | {"user": USER}
CHECK_SUITE = _values("id head_branch head_sha") | {
    "app": APP,
    "pull_requests": [_values("id number") | PULL_REFS],
}
CHECK_RUN = _values("id name status conclusion completed_at head_sha html_url details_url external_id") | {
    "app": APP,
    "output": _values("title summary text"),
    "check_suite": CHECK_SUITE,
    "pull_requests": CHECK_SUITE["pull_requests"],
}
COMMON = _values("action") | {
    "installation": _values("id"),
    "repository": REPOSITORY,
    "organization": _values("id login"),
    "sender": USER,
}
INSTALLATION = _values("id app_id app_slug") | {"account": USER}
REPOSITORIES = [_values("id full_name")]
TEXT_BEFORE = {"body": _values("from")}

FIELDS_BY_EVENT: Mapping[str, Shape] = {
    "issue_comment": {"comment": COMMENT, "issue": ISSUE, "changes": TEXT_BEFORE},
    "issues": {
        "issue": ISSUE | _values("body"),
        "label": _values("name"),
        "assignee": USER,
        "changes": {"old_issue": _values("id"), **TEXT_BEFORE},
    },
    "pull_request": {
        **_values("number before after"),
        "pull_request": PULL_REQUEST | _values("body"),
        "label": _values("name"),
        "assignee": USER,
        "changes": TEXT_BEFORE,
    },
    "pull_request_review": {"review": REVIEW, "pull_request": PULL_REQUEST, "changes": TEXT_BEFORE},
    "pull_request_review_comment": {
        "comment": COMMENT,
        "pull_request": PULL_REQUEST,
        "changes": TEXT_BEFORE,
    },
    "check_run": {"check_run": CHECK_RUN},
    "check_suite": {"check_suite": CHECK_SUITE},
    "status": _values("id sha state context description target_url updated_at") | {"branches": [_values("name")]},
    "merge_group": {"merge_group": _values("head_sha head_ref base_ref") | {"head_commit": _values("id timestamp")}},
    "delete": _values("ref ref_type"),
    "installation": {"installation": INSTALLATION, "repositories": REPOSITORIES},
    "installation_repositories": {
        "installation": INSTALLATION,
        "repositories_added": REPOSITORIES,
        "repositories_removed": REPOSITORIES,
    },
}
"""The fields that rules read, by GitHub's names of events. Events that are not listed are ignored."""

_IGNORED_ACTIONS = {"check_suite": ("requested", "completed")}
"""Actions that no rule reads, of events that each push has."""


def extract(event: str, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the fields of a payload that rules read; None if no rule reads the event."""
    if event not in FIELDS_BY_EVENT or payload.get("action") in _IGNORED_ACTIONS.get(event, ()):
        return None
    shape = {**COMMON, **FIELDS_BY_EVENT[event]}
    reduced: dict[str, Any] = {}
    for size in SIZES:
        reduced = _object(payload, shape, size)
        if len(json.dumps(reduced)) <= MAX_BYTES:
            break
    return reduced


def _object(value: Mapping[str, Any], shape: Shape, size: Size) -> dict[str, Any]:
    fields = ((name, _field(value[name], inner, size)) for name, inner in shape.items() if name in value)
    return {name: field for name, field in fields if field is not _DROPPED}


_DROPPED = object()


def _field(value: Any, shape: Any, size: Size) -> Any:
    if value is None:
        return None
    if shape is VALUE:
        return _value(value, size[0])
    if isinstance(shape, list):
        return _list(value, shape[0], size)
    return _object(value, shape, size) if isinstance(value, Mapping) else _DROPPED


def _list(value: Any, shape: Shape, size: Size) -> Any:
    if not isinstance(value, list):
        return _DROPPED
    return [_object(item, shape, size) for item in value[: size[1]] if isinstance(item, Mapping)]


def _value(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return _text(value, length)
    if isinstance(value, int) and -MAX_INTEGER <= value < MAX_INTEGER:
        return value
    return _DROPPED


def _text(text: str, length: int) -> str:
    """Return the text, cut if too long, without lone surrogates, which JSON allows and UTF-8 does not."""
    cut = text if len(text) <= length else text[:length] + CUT
    return cut.encode("utf-8", "replace").decode()
