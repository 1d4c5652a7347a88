"""`orchestrator runs watch` and `runs list --watch`: follow runs until interrupted.

On a terminal a table is redrawn in place, with what each agent is doing. In a pipe each change is a line.
"""

import time
from typing import TextIO

from functions.clients.runs import logs
from functions.clients.runs.event_loop import EventMerger, SourceEnded, ViewEvent
from functions.clients.runs.filters import Wanted
from functions.clients.runs.logs import Line
from functions.clients.runs.lookup import kinds
from functions.clients.runs.run_changes import Change, Changes
from functions.clients.runs.run_list_views import FOOT, MOST_SHOWN, LineView, TableView, View
from functions.clients.runs.target import ClusterTarget
from functions.runs.model.run import parse
from functions.views import rows
from functions.views.agent_output import SessionTotals, short

REDRAW_SECONDS = 1.0

MOST_FOLLOWED = 16
"""Most agents whose logs are read at one time; each takes a thread and a connection."""


def watch(
    target: ClusterTarget, wanted: Wanted, out: TextIO, *, finished: bool = False, most: int = MOST_SHOWN
) -> None:
    """Show the runs without end; `finished` includes those that had ended before.

    Raises:
        CommandError: the cluster rejected a request.
    """
    view: View = TableView(out, most, finished=finished) if out.isatty() else LineView(out, finished=finished)
    try:
        Overview(target, wanted, view, finished=finished).run()
    finally:
        view.close()


class Overview:
    """Reads runs, and on a terminal the logs of their agents, and shows both."""

    def __init__(self, target: ClusterTarget, wanted: Wanted, view: View, *, finished: bool = False) -> None:
        self._target, self._wanted, self._view, self._finished = target, wanted, view, finished
        self._events = EventMerger(target)
        self._unlisted = {kind.name for kind in kinds(wanted.kind)}
        self._any = False
        self._followed: dict[str, SessionTotals] = {}

    def run(self) -> None:
        """Show changes until interrupted."""
        for kind in kinds(self._wanted.kind):
            place = None if self._wanted.everywhere else self._target.namespace
            changes = Changes(self._target.cluster, kind, place, labels=self._wanted.labels)
            self._events.add_source(kind.name, changes.follow)
        while True:
            self.take(*self._events.next_event(REDRAW_SECONDS))

    def take(self, source: str, event: ViewEvent) -> None:
        """Show one event; raise the error of a source of runs that has ended."""
        match event:
            case Line(note=False) if source in self._followed:
                text = self._followed[source].read(event.text)
                if text:
                    self._view.step(source, text.strip().splitlines()[-1])
            case SourceEnded(error) if error and source not in self._followed:
                raise error
            case SourceEnded():  # without its log a run is still shown
                self._followed.pop(source, None)
            case Change("trouble"):
                self._view.trouble(f"no answer, trying again: {short(event.why)}")
            case Change("listed"):
                self._listed(source)
            case Change():
                self._changed(event)
            case _:
                self._view.refresh()

    def _changed(self, change: Change) -> None:
        if not self._wanted.includes(change.run):
            change = Change("gone", change.run)
        self._any = self._any or (change.what == "is" and (self._finished or not rows.is_finished(change.run)))
        self._view.show(change)
        uid = change.run["metadata"]["uid"]
        if (
            change.what == "is"
            and self._view.shows_steps
            and rows.phase(change.run) == "Running"
            and uid not in self._followed
            and len(self._followed) < MOST_FOLLOWED
        ):
            self._followed[uid] = SessionTotals()
            run = parse(change.run)
            self._events.add_source(uid, lambda: logs.follow(self._target, run, time.sleep))

    def _listed(self, source: str) -> None:
        self._unlisted.discard(source)
        if not self._unlisted:
            what = "runs" if self._finished else "unfinished runs"
            self._view.listed("" if self._any else f"no {what} in namespace {self._target.namespace} yet; {FOOT}")
