"""The history of a run, oldest first: its attempts and the Kubernetes Events about it. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.runs.model.status import Attempt
from functions.views import formatting, rows

Tone = Literal["normal", "warning", "good", "bad"]


_STARTS = (Reason.STARTING, Reason.RUNNING)


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened."""

    at: datetime
    title: str
    message: str = ""
    about: str = ""
    """The object of an Event, such as `Pod code-x-1-abcde`; empty for the run itself."""
    tone: Tone = "normal"
    attempt: int | None = None
    """Set if an attempt begins or ends here."""
    count: int = 1
    """How often it happened."""


def timeline(run: Run, events: Iterable[dict[str, Any]]) -> list[Moment]:
    """Return the moments of a run; `events` are those about it, its Jobs and its pods.

    An Event of the run that only repeats the start or the end of an attempt is left out.
    """
    moments = [*_created(run), *(each for attempt in run.status.attempts for each in _attempt(attempt))]
    ends = {attempt.message for attempt in run.status.attempts if attempt.message}
    from_events = [moment for event in events if (moment := _event(event, run))]
    moments += [each for each in from_events if each.about or not (each.title in _STARTS or each.message in ends)]
    return sorted(moments, key=lambda moment: moment.at)


def _created(run: Run) -> Iterator[Moment]:
    yield Moment(run.created, "Submitted", f"as {run.kind} {run.name}")


def _attempt(attempt: Attempt) -> Iterator[Moment]:
    number = attempt.attempt
    resumed = "in the session of the attempt before" if attempt.resumes else ""
    yield Moment(attempt.started_at, f"Attempt {number} started", resumed, attempt=number)
    if attempt.finished_at:
        took = formatting.between(attempt.started_at, attempt.finished_at)
        tone: Tone = "good" if attempt.reason in ("Completed", "NoChanges") else "bad"
        title = f"Attempt {number} ended: {rows.text(attempt.reason or '')} after {took}"
        yield Moment(attempt.finished_at, title, rows.text(attempt.message or ""), tone=tone, attempt=number)


def _event(event: dict[str, Any], run: Run) -> Moment | None:
    at = rows.time(event, "lastTimestamp") or rows.time(event, "eventTime") or rows.time(event, "firstTimestamp")
    if at is None:
        return None
    about, count = event.get("involvedObject") or {}, event.get("count")
    own = about.get("uid") == run.uid
    return Moment(
        at=at,
        title=rows.text(event.get("reason")),
        message=rows.text(event.get("message")),
        about="" if own else rows.text(f"{about.get('kind')} {about.get('name')}"),
        tone="warning" if event.get("type") == "Warning" else "normal",
        count=count if isinstance(count, int) else 1,
    )
