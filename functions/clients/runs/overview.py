"""`orchestrator runs watch`: follow all unfinished runs until interrupted."""

from datetime import UTC, datetime
from typing import TextIO

from functions.clients.output import say
from functions.clients.runs.event_loop import EventMerger, SourceEnded, ViewEvent
from functions.clients.runs.lookup import kinds
from functions.clients.runs.run_changes import Change, Changes
from functions.clients.runs.screen import Screen
from functions.clients.runs.target import ClusterTarget
from functions.cluster.client import Object
from functions.runs import api_group
from functions.runs.model.kinds import RunKind
from functions.views import rows
from functions.views.agent_output import clean, short

REDRAW_SECONDS = 1.0
FOOT = "Ctrl-C ends the view, not the runs"


def watch(target: ClusterTarget, only: RunKind | None, out: TextIO) -> None:
    """Show the runs without end.

    Raises:
        CommandError: the cluster rejected a request.
    """
    events = EventMerger(target)
    for kind in kinds(only):
        events.add_source(kind.name, Changes(target.cluster, kind, target.namespace).follow)
    view = TableView(target.namespace, out) if out.isatty() else LineView(out)
    try:
        while True:
            _, event = events.next_event(REDRAW_SECONDS)
            _show(view, event)
    finally:
        view.close()


def _show(view: "TableView | LineView", event: ViewEvent) -> None:
    match event:
        case SourceEnded(error) if error:
            raise error
        case Change("trouble"):
            view.trouble(f"no answer, trying again: {short(event.why)}")
        case Change():
            view.show(event)
        case _:
            view.refresh()


class LineView:
    """Prints a line for each change of a run's phase, reason, message or attempt.

    Runs that were finished at the start are not shown.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown: dict[str, str] = {}

    def show(self, change: Change) -> None:
        """Write the run's line if it has changed."""
        run = change.run
        uid, line = run["metadata"]["uid"], "deleted" if change.what == "gone" else _line(run)
        before = self._shown.get(uid)
        if change.what == "gone":
            self._shown.pop(uid, None)
        else:
            self._shown[uid] = line
        if before != line and not (before is None and (finished(run) or change.what == "gone")):
            print(f"{run['kind']}/{run['metadata']['name']}  {line}", file=self._out, flush=True)

    def trouble(self, text: str) -> None:
        """Write the text to standard error."""
        say(text)

    def refresh(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class TableView:
    """Shows the tables of `runs list` on a terminal: runs that are unfinished or finished during the view."""

    def __init__(self, namespace: str, out: TextIO) -> None:
        self._namespace = namespace
        self._screen = Screen(out)
        self._runs: dict[str, Object] = {}
        self._foot = FOOT

    def show(self, change: Change) -> None:
        """Add, update or remove the run, and draw."""
        uid = change.run["metadata"]["uid"]
        if change.what == "gone":
            self._runs.pop(uid, None)
        elif uid in self._runs or not finished(change.run):
            self._runs[uid] = change.run
        self._foot = FOOT
        self.refresh()

    def trouble(self, text: str) -> None:
        """Draw the text in the last line until the next change."""
        self._foot = clean(text)
        self.refresh()

    def refresh(self) -> None:
        """Draw the current ages."""
        found = rows.newest_first(self._runs.values())
        told = rows.tables(found, datetime.now(UTC)) or f"no unfinished runs in namespace {self._namespace}"
        self._screen.draw([*told.splitlines(), self._foot])

    def close(self) -> None:
        """Leave the terminal."""
        self._screen.close()


def finished(raw: Object) -> bool:
    """Return whether the run has ended, by its label or its condition Succeeded."""
    if api_group.FINISHED in (raw["metadata"].get("labels") or {}):
        return True
    conditions = rows.at(raw, "status", "conditions")
    listed = conditions if isinstance(conditions, list) else []
    return any(
        rows.at(condition, "type") == "Succeeded" and rows.at(condition, "status") != "Unknown" for condition in listed
    )


def _line(raw: Object) -> str:
    phase = rows.text(rows.at(raw, "status", "phase")) or "Pending"
    reason, message = rows.reason(raw), short(clean(rows.text(rows.at(raw, "status", "message"))))
    attempt = rows.text(rows.at(raw, "status", "attempt"))
    explanation = ": ".join(filter(None, (reason if reason != phase else "", message)))
    return "  ".join(filter(None, (phase, f"attempt {attempt}" if attempt else "", explanation)))
