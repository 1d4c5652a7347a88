"""The check run on the last commit of a run: what a reviewer of the pull request sees of it. Pure.

A check run belongs to one commit for good (GitHub: Update a check run has no head_sha). So while a later attempt
works the check on the last commit is in progress, and once that attempt ended with another commit there is one on
that, and the earlier one is concluded. It is found again by its external_id, the run's uid.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from functions.github.markdown import shown
from functions.github.reports import comment
from functions.github.webhook.event import dig, dig_number, is_app
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run

NAME = "orchestrator"
"""The same for all runs, so that a rule of a branch can require it."""

_CONCLUSIONS = {State.SUCCEEDED: "success", State.FAILED: "failure", State.CANCELLED: "cancelled"}
SUPERSEDED = "neutral"
LONGEST_TITLE = 200

Object = Mapping[str, Any]


def body(run: Run, details_url: str) -> dict[str, Any]:
    """What the check run says, as the run is; without its commit."""
    found: dict[str, Any] = {"name": NAME, "external_id": run.uid, **_outcome(run)}
    if details_url.startswith(("https://", "http://")):
        found["details_url"] = details_url
    return found | {"output": {"title": _title(run), "summary": _summary(run)}}


def superseded(run: Run, commit: str) -> dict[str, Any]:
    """What the check run on an earlier commit says, once the run has the later one `commit`."""
    output = {"title": "Superseded", "summary": f"The run went on: its last commit is {commit}."}
    return {"name": NAME, "external_id": run.uid, "status": "completed", "conclusion": SUPERSEDED, "output": output}


def ours(checks: Iterable[Object], uid: str, app: str) -> list[Object]:
    """The check runs of the App with the id or client id `app` about the run, the oldest first."""
    mine = [each for each in checks if dig(each, "external_id") == uid and is_app(dig(each, "app"), app)]
    return sorted((each for each in mine if dig_number(each, "id")), key=lambda each: dig_number(each, "id"))


def says(found: Object, wanted: Object) -> bool:
    """Whether a check run as GitHub has it says what it should."""
    told = {name: found.get(name) for name in ("status", "conclusion", "details_url")}
    output = {name: dig(found, "output", name) for name in ("title", "summary")}
    return {**told, **output} == {
        **{name: wanted.get(name) for name in ("status", "conclusion")},
        "details_url": wanted.get("details_url", found.get("details_url")),
        **wanted["output"],
    }


def _outcome(run: Run) -> dict[str, str]:
    state = states.state(run.status)
    if state in _CONCLUSIONS:
        idle = state is State.SUCCEEDED and run.status.succeeded and run.status.succeeded.reason == Reason.NO_CHANGES
        return {"status": "completed", "conclusion": "neutral" if idle else _CONCLUSIONS[state]}
    if run.deleting:
        return {"status": "completed", "conclusion": "cancelled"}
    return {"status": "in_progress"}


def _title(run: Run) -> str:
    reason = f": {run.status.succeeded.reason}" if run.status.succeeded else ""
    return shown(f"{'Deleted' if run.deleting else run.status.phase or 'Pending'}{reason}", LONGEST_TITLE)


def _summary(run: Run) -> str:
    """The text of the comment without its marker."""
    return comment.text(run).partition("\n")[2]
