"""The check run on a run's last commit, which reviewers of the pull request see. Pure.

A check run belongs to one commit (GitHub: Update a check run has no head_sha). While a later attempt works, the check
run on the last commit is in progress. Once that attempt has pushed a commit, the new commit gets a check run and the
earlier one is concluded. A check run is found again by its external_id, the run's uid.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from functions.github.json_fields import dig, dig_number, dig_text, is_app
from functions.github.markdown import sanitize
from functions.github.reports import comment
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run

NAME = "orchestrator"
"""The same for all runs, so that a branch protection rule can require it."""

_CONCLUSIONS = {State.SUCCEEDED: "success", State.FAILED: "failure", State.CANCELLED: "cancelled"}
SUPERSEDED = "neutral"
MAX_TITLE_LENGTH = 200

Object = Mapping[str, Any]


def body(run: Run, details_url: str) -> dict[str, Any]:
    """Return the check run's fields for the run's present state, without `head_sha`."""
    fields: dict[str, Any] = {"name": NAME, "external_id": run.uid, **_outcome(run)}
    if details_url.startswith(("https://", "http://")):
        fields["details_url"] = details_url
    return fields | {"output": {"title": _title(run), "summary": _summary(run)}}


def superseded(run: Run, commit: str) -> dict[str, Any]:
    """Return the fields of the check run on an earlier commit, once the run has pushed the later one `commit`."""
    output = {"title": "Superseded", "summary": f"The run continued: its last commit is {commit}."}
    return {"name": NAME, "external_id": run.uid, "status": "completed", "conclusion": SUPERSEDED, "output": output}


def in_merge_queue(check: Object) -> dict[str, Any]:
    """Return the fields of the check run on a merge group's commit, from the one on the pull request's last commit.

    It is concluded in any case: one that is not finished is a failure, as the run still changes the pull request.
    """
    finished = dig_text(check, "conclusion")
    title = dig_text(check, "output", "title") if finished else "The run is at work; queue the pull request at its end"
    fields = {name: dig_text(check, name) for name in ("external_id", "details_url") if dig_text(check, name)}
    output = {"title": title, "summary": f"As on the pull request's last commit, {dig_text(check, 'head_sha')}."}
    return {"name": NAME, **fields, "status": "completed", "conclusion": finished or "failure", "output": output}


def latest_by(checks: Iterable[Object], app: str) -> Object | None:
    """Return the youngest check run by the App with the id or client id `app`; None if there is none."""
    own = [item for item in checks if is_app(dig(item, "app"), app)]
    return max(own, key=lambda item: dig_number(item, "id"), default=None)


def select_own(checks: Iterable[Object], uid: str, app: str) -> list[Object]:
    """Return the check runs about the run by the App with the id or client id `app`, the oldest first."""
    own = [item for item in checks if dig(item, "external_id") == uid and is_app(dig(item, "app"), app)]
    return sorted((item for item in own if dig_number(item, "id")), key=lambda item: dig_number(item, "id"))


def is_current(check: Object, wanted: Object) -> bool:
    """Return whether a check run, as GitHub shows it, has the wanted fields."""
    state = {name: check.get(name) for name in ("status", "conclusion", "details_url")}
    output = {name: dig(check, "output", name) for name in ("title", "summary")}
    return {**state, **output} == {
        **{name: wanted.get(name) for name in ("status", "conclusion")},
        "details_url": wanted.get("details_url", check.get("details_url")),
        **wanted["output"],
    }


def _outcome(run: Run) -> dict[str, str]:
    state = states.state(run.status)
    if state in _CONCLUSIONS:
        condition = run.status.succeeded
        no_changes = state is State.SUCCEEDED and condition and condition.reason == Reason.NO_CHANGES
        return {"status": "completed", "conclusion": "neutral" if no_changes else _CONCLUSIONS[state]}
    if run.deleting:
        return {"status": "completed", "conclusion": "cancelled"}
    return {"status": "in_progress"}


def _title(run: Run) -> str:
    reason = f": {run.status.succeeded.reason}" if run.status.succeeded else ""
    return sanitize(f"{'Deleted' if run.deleting else run.status.phase or 'Pending'}{reason}", MAX_TITLE_LENGTH)


def _summary(run: Run) -> str:
    """Return the text of the comment without its marker."""
    return comment.text(run).partition("\n")[2]
