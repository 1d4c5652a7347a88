"""What the rules need of a delivery, and nothing else: GitHub sends up to 25 MB, a queue takes far less. Pure.

Fields keep the names and places they have in GitHub's payloads (Webhook events and payloads), so that a rule reads
like GitHub's documentation; what is not named here is left out. Absent and null fields are normal. A field that is of
another kind than here is left out as well: nothing is raised for any JSON object.

A text that is too long is cut and ends with CUT; how long a text may be, and a list, is the first of SIZES with
which the whole stays within LARGEST bytes. No comment and no review that GitHub really sends is cut: a command behind
the cut would be lost without a word. The output of a check may be.
"""

import json
from collections.abc import Mapping
from typing import Any

LARGEST = 1024 * 1024
"""Bytes of JSON, in which each of a comment's 65,536 characters takes 12 at most; in base64, as Pub/Sub pushes it
wrapped, half of what a function takes (serving/http.py)."""

SIZES = ((65536, 20), (16384, 20), (4096, 20), (1024, 20), (1024, 3), (256, 3), (64, 1))
"""Characters of a text, items of a list; a comment has at most 65,536 characters."""

CUT = "\n[cut here: the rest is on GitHub]"

LARGEST_INTEGER = 2**63

Shape = Mapping[str, Any]
Size = tuple[int, int]
VALUE = object()
"""A text, an integer, true, false, or null."""


def _values(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), VALUE)


USER = _values("id login type")
APP = _values("id slug")
REPOSITORY = _values("id full_name default_branch clone_url ssh_url html_url private fork")
REF = _values("ref sha label") | {"repo": _values("id full_name fork")}
PULL_REFS = {"head": REF, "base": REF}
PULL_REQUEST = (
    _values("id number title state html_url merged merged_at merge_commit_sha draft updated_at")
    | PULL_REFS
    | {"user": USER, "labels": [_values("name")], "assignees": [USER]}
)
ISSUE = _values("id number title state html_url locked updated_at") | {
    "user": USER,
    "labels": [_values("name")],
    "assignees": [USER],
    "pull_request": _values("html_url merged_at"),
}
COMMENT = _values("id body html_url created_at author_association pull_request_review_id in_reply_to_id path") | {
    "user": USER,
    "performed_via_github_app": APP,
}
REVIEW = _values("id body state html_url submitted_at commit_id author_association") | {"user": USER}
CHECK_RUN = _values("id name status conclusion head_sha html_url details_url external_id") | {
    "app": APP,
    "output": _values("title summary text"),
    "check_suite": _values("id head_branch head_sha") | {"app": APP},
    "pull_requests": [_values("id number") | PULL_REFS],
}
COMMON = _values("action") | {
    "installation": _values("id"),
    "repository": REPOSITORY,
    "organization": _values("id login"),
    "sender": USER,
}
INSTALLATION = _values("id app_id app_slug") | {"account": USER}
REPOSITORIES = [_values("id full_name")]

WANTED: Mapping[str, Shape] = {
    "issue_comment": {"comment": COMMENT, "issue": ISSUE},
    "issues": {"issue": ISSUE, "label": _values("name"), "assignee": USER},
    "pull_request": {
        **_values("number before after"),
        "pull_request": PULL_REQUEST,
        "label": _values("name"),
        "assignee": USER,
    },
    "pull_request_review": {"review": REVIEW, "pull_request": PULL_REQUEST},
    "pull_request_review_comment": {"comment": COMMENT, "pull_request": PULL_REQUEST},
    "check_run": {"check_run": CHECK_RUN},
    "delete": _values("ref ref_type"),
    "installation": {"installation": INSTALLATION, "repositories": REPOSITORIES},
    "installation_repositories": {
        "installation": INSTALLATION,
        "repositories_added": REPOSITORIES,
        "repositories_removed": REPOSITORIES,
    },
}
"""The events that something comes of, by GitHub's names. Whoever adds a rule for another one adds its fields here."""


def extract(event: str, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the rules need of a payload; None for an event that nothing comes of."""
    if event not in WANTED:
        return None
    shape = {**COMMON, **WANTED[event]}
    found: dict[str, Any] = {}
    for size in SIZES:
        found = _kept(payload, shape, size)
        if len(json.dumps(found)) <= LARGEST:
            break
    return found


def _kept(value: Mapping[str, Any], shape: Shape, size: Size) -> dict[str, Any]:
    pairs = ((name, _part(value[name], inner, size)) for name, inner in shape.items() if name in value)
    return {name: part for name, part in pairs if part is not _NOTHING}


_NOTHING = object()


def _part(value: Any, shape: Any, size: Size) -> Any:
    if value is None:
        return None
    if shape is VALUE:
        return _value(value, size[0])
    if isinstance(shape, list):
        return _list(value, shape[0], size)
    return _kept(value, shape, size) if isinstance(value, Mapping) else _NOTHING


def _list(value: Any, shape: Shape, size: Size) -> Any:
    if not isinstance(value, list):
        return _NOTHING
    return [_kept(each, shape, size) for each in value[: size[1]] if isinstance(each, Mapping)]


def _value(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return _text(value, length)
    if isinstance(value, int) and -LARGEST_INTEGER <= value < LARGEST_INTEGER:
        return value
    return _NOTHING


def _text(text: str, length: int) -> str:
    """Without halves of characters, which JSON can hold and UTF-8 cannot."""
    whole = text if len(text) <= length else text[:length] + CUT
    return whole.encode("utf-8", "replace").decode()
