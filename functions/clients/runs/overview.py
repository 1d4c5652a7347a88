"""`orchestrator runs watch`: all runs that are not finished, as they go, until the reader ends."""

from datetime import UTC, datetime
from typing import TextIO

from functions.clients.output import say
from functions.clients.runs.changes import Change, Changes
from functions.clients.runs.event_loop import EventMerger, SourceEnded
from functions.clients.runs.lookup import Work, kinds
from functions.clients.runs.screen import Screen
from functions.clients.runs.target import ClusterTarget
from functions.cluster.client import Object
from functions.runs import api_group
from functions.views import rows
from functions.views.agent_output import clean, short

REDRAW_SECONDS = 1.0
FOOT = "Ctrl-C ends the view, not the runs"


def watch(place: ClusterTarget, work: Work | None, out: TextIO) -> None:
    """Shows the runs without end. Raises CommandError where the cluster refuses."""
    ears = EventMerger(place)
    for kind in kinds(work):
        ears.listen(kind.name, Changes(place.cluster, kind, place.namespace).follow)
    view = Table(place.namespace, out) if out.isatty() else Lines(out)
    while True:
        _, heard = ears.next(REDRAW_SECONDS)
        match heard:
            case SourceEnded(error) if error:
                raise error
            case Change("trouble"):
                view.trouble(f"no answer, trying again: {short(heard.why)}")
            case Change():
                view.show(heard)
            case _:
                view.tick()


class Lines:
    """A line for each change of a run's phase, reason, message or attempt; finished ones only as they finish."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown: dict[str, str] = {}

    def show(self, change: Change) -> None:
        """Writes the run's line where it is another."""
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
        """Writes it to standard error."""
        say(text)

    def tick(self) -> None:
        """Writes nothing."""


class Table:
    """The tables of `runs list` on a terminal: unfinished runs, and those that finished while somebody looked."""

    def __init__(self, namespace: str, out: TextIO) -> None:
        self._namespace = namespace
        self._screen = Screen(out)
        self._runs: dict[str, Object] = {}
        self._foot = FOOT

    def show(self, change: Change) -> None:
        """Takes the run in or out, and draws."""
        uid = change.run["metadata"]["uid"]
        if change.what == "gone":
            self._runs.pop(uid, None)
        elif uid in self._runs or not finished(change.run):
            self._runs[uid] = change.run
        self._foot = FOOT
        self.tick()

    def trouble(self, text: str) -> None:
        """Draws it in the block, until the next change."""
        self._foot = clean(text)
        self.tick()

    def tick(self) -> None:
        """Draws ages anew."""
        found = rows.newest_first(self._runs.values())
        told = rows.tables(found, datetime.now(UTC)) or f"no unfinished runs in namespace {self._namespace}"
        self._screen.draw([*told.splitlines(), self._foot])


def finished(raw: Object) -> bool:
    """Whether the run has ended, as its mark or its decisive condition says."""
    if api_group.FINISHED in (raw["metadata"].get("labels") or {}):
        return True
    conditions = rows.at(raw, "status", "conditions")
    found = conditions if isinstance(conditions, list) else []
    return any(rows.at(each, "type") == "Succeeded" and rows.at(each, "status") != "Unknown" for each in found)


def _line(raw: Object) -> str:
    phase = rows.text(rows.at(raw, "status", "phase")) or "Pending"
    reason, message = rows.reason(raw), short(clean(rows.text(rows.at(raw, "status", "message"))))
    attempt = rows.text(rows.at(raw, "status", "attempt"))
    told = ": ".join(filter(None, (reason if reason != phase else "", message)))
    return "  ".join(filter(None, (phase, f"attempt {attempt}" if attempt else "", told)))
