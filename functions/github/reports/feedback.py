"""Describes feedback on a run's work for the prompt of its next attempt: checks, commit statuses, reviews. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from functions.github.json_fields import dig, dig_number, dig_text
from functions.github.markdown import fenced_block, sanitize
from functions.github.reports.check import NAME

Object = Mapping[str, Any]

FAILED_CONCLUSIONS = frozenset({"failure", "timed_out", "startup_failure", "action_required"})
"""Conclusions of a check that call for a change (GitHub: About status checks). `cancelled` and `stale` say that the
commit was not checked, and `neutral` and `skipped` count as passed."""

PASSED_CONCLUSIONS = frozenset({"success", "neutral", "skipped"})
"""Conclusions with which a pull request can be merged (the same page)."""

FAILED_STATES = frozenset({"failure", "error"})
"""States of a commit status that call for a change (REST API: Commit statuses)."""

MAX_OUTPUT_LENGTH = 20_000
"""Characters of a check's output that reach the prompt; each part of it is cut to half of that."""

MAX_ANNOTATIONS = 50
MAX_HUNK_LENGTH = 4000
"""Characters of the end of a diff hunk, where the commented line is."""
MAX_DESCRIPTION_LENGTH = 30_000

UUID_LENGTH = len("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")


@dataclass(frozen=True, slots=True)
class Feedback:
    """One open check, status or change request; `key` identifies it in all events and look-ups."""

    key: str
    description: str
    """The text for the prompt."""
    log: str = ""
    """The end of the log of a failed job, for the prompt too (job_log.py)."""
    commands: tuple[str, ...] = ()
    """Keys of the /retry commands in it, which the retry that names it answers."""


def subject_of_check(check: Object) -> str:
    """Return what identifies a check over its runs on a commit: its App and name."""
    return f"check/{dig_number(check, 'app', 'id')}/{dig_text(check, 'name')}"


def subject_of_status(status: Object) -> str:
    """Return what identifies a commit status over its states: its context."""
    return f"status/{dig_text(status, 'context')}"


def subject_of_review(login: str) -> str:
    """Return what identifies the verdict of a reviewer."""
    return f"review/{login}"


def is_failed_check(check: Object) -> bool:
    """Return whether a completed check run calls for a change and is not our own."""
    return dig_text(check, "conclusion") in FAILED_CONCLUSIONS and not is_own_check(check)


def is_own_check(check: Object) -> bool:
    """Return whether it has our check's name and a run's uid as external id."""
    return dig_text(check, "name") == NAME and len(dig_text(check, "external_id")) == UUID_LENGTH


def describe_check(check: Object, annotations: Iterable[Object] = ()) -> str:
    """Return name, conclusion, output, annotations and page of a failed check run."""
    name, commit = dig_text(check, "name"), dig_text(check, "head_sha")
    conclusion = dig_text(check, "conclusion").replace("_", " ")
    verb = "failed" if conclusion == "failure" else f"failed ({conclusion})"
    output = [dig_text(check, "output", part).strip() for part in ("title", "summary", "text")]
    details = dig_text(check, "details_url") or dig_text(check, "html_url")
    parts = [
        f"The check {name} {verb} on commit {commit} of your branch.",
        *(sanitize(part, MAX_OUTPUT_LENGTH // 2) for part in output if part),
        "\n".join(_annotation(item) for item in [*annotations][:MAX_ANNOTATIONS]),
        f"Details: {details}" if details else "",
    ]
    return sanitize("\n\n".join(part for part in parts if part), MAX_DESCRIPTION_LENGTH)


def describe_status(status: Object, commit: str) -> str:
    """Return context, description and page of a failed commit status."""
    context = dig_text(status, "context")
    parts = [
        f"The status check {context} failed on commit {commit} of your branch.",
        dig_text(status, "description").strip(),
        f"Details: {dig_text(status, 'target_url')}" if dig_text(status, "target_url") else "",
    ]
    return sanitize("\n\n".join(part for part in parts if part), MAX_DESCRIPTION_LENGTH)


def describe_review(login: str, body: str, comments: Iterable[Object] = ()) -> str:
    """Return the text of a review that asks for changes, with its comments on lines."""
    text = sanitize(body.strip(), MAX_DESCRIPTION_LENGTH)
    intro = f"A review of your pull request, by {login}, asks for changes.\n\n{text}".strip()
    return intro + "".join(f"\n\n{describe_comment(item)}" for item in comments if dig_text(item, "body"))


def describe_comment(comment: Object) -> str:
    """Return a comment on lines of a pull request, with its file and line."""
    line = dig_number(comment, "line") or dig_number(comment, "original_line")
    path = dig_text(comment, "path")
    return f"On {path}:{line}:\n{dig_text(comment, 'body')}" if line else f"On {path}:\n{dig_text(comment, 'body')}"


def describe_place(comment: Object) -> str:
    """Return file, line and the diff hunk that a comment on lines is about; empty if it names no file."""
    line = dig_number(comment, "line") or dig_number(comment, "original_line")
    path, hunk = dig_text(comment, "path"), dig_text(comment, "diff_hunk")
    if not path:
        return ""
    lines = [f"On {path}:{line}:" if line else f"On {path}:"]
    return "\n".join([*lines, fenced_block(hunk[-MAX_HUNK_LENGTH:], MAX_HUNK_LENGTH)] if hunk else lines)


def verdicts(reviews: Iterable[Object]) -> list[Object]:
    """Return each reviewer's last verdict; a comment is not a verdict, a dismissal is."""
    last: dict[str, Object] = {}
    for review in reviews:
        if dig_text(review, "state").upper() in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
            last[dig_text(review, "user", "login")] = review
    return [*last.values()]


def asks_for_changes(review: Object) -> bool:
    """Return whether a review asks for changes."""
    return dig_text(review, "state").upper() == "CHANGES_REQUESTED"


def _annotation(annotation: Object) -> str:
    line = dig(annotation, "start_line") or ""
    title = dig_text(annotation, "title")
    message = sanitize(dig_text(annotation, "message"), 1000)
    return f"- {dig_text(annotation, 'path')}:{line}: {f'{title}: ' if title else ''}{message}"
