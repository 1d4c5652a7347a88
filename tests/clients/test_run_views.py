"""Runs on a terminal, and the next step for each.

screen      redrawn in place, cut to the terminal; unfinished runs, and those that finished during the view
next step   for every reason of an end or a wait
"""

import io
from typing import Any, cast

import pytest

from functions.clients.runs import run_list_views, screen, watch_view
from functions.clients.runs.event_loop import EventMerger, SourceEnded
from functions.clients.runs.logs import Line
from functions.clients.runs.run_changes import Change
from functions.runs.admission.position import Position
from functions.views.next_step import next_step
from functions.views.timeline import timeline
from tests.clients.terminal import blocks_of
from tests.support.builders import raw_run, run


def test_a_screen_is_redrawn_in_place_and_cut_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setenv("LINES", "4")
    out = io.StringIO()
    shown = screen.Screen(out)
    shown.draw(["a", "b" * 20])
    shown.draw(["c", "d", "e", "f", "g"])
    shown.close()
    first, *_, last = blocks_of(out.getvalue())
    assert first.splitlines() == ["a", "b" * 10]
    assert last.splitlines() == ["c", "d", "e"]
    assert out.getvalue().endswith("\x1b[?25h"), "the cursor is shown again"


def test_the_overview_shows_unfinished_and_just_finished_runs() -> None:
    def change(what: Any, name: str, **parts: Any) -> Change:
        return Change(what, raw_run(name=name, uid=name, **parts))

    out = io.StringIO()
    table = run_list_views.TableView(out)
    table.listed("no unfinished runs in namespace orchestrator")
    table.show(change("is", "before", status=status("True", "Completed", phase="Succeeded")))
    assert "no unfinished runs in namespace orchestrator" in out.getvalue()
    table.show(change("is", "now", status=status("Unknown", "Running", phase="Running")))
    table.show(change("is", "now", status=status("True", "Completed", phase="Succeeded")))
    table.show(change("is", "next"))
    block = blocks_of(out.getvalue())[-1]
    assert [line.split()[-1] for line in block.splitlines()] == ["NAME", "now", "next", "runs"]
    assert "Succeeded" in block
    table.show(change("is", "next", status=status("Unknown", "Running", phase="Running")))
    table.step("next", "> Edit \x1b[2Jstock.py")
    assert "> Edit stock.py" in blocks_of(out.getvalue())[-1], "the agent's step, without control sequences"
    table.trouble("no answer, trying again: \x1b[2Jcut")
    assert blocks_of(out.getvalue())[-1].endswith("no answer, trying again: cut")
    table.show(change("gone", "now"))
    assert "now" not in blocks_of(out.getvalue())[-1]


def test_wide_characters_take_two_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "5")
    out = io.StringIO()
    shown = screen.Screen(out)
    shown.draw(["日本語", "e\u0301" * 6])
    assert [line.rstrip() for line in blocks_of(out.getvalue())[-1].splitlines()] == ["日本", "e\u0301" * 5]


def status(truth: str, reason: str, **more: Any) -> dict[str, Any]:
    condition = {"type": "Succeeded", "status": truth, "reason": reason, "lastTransitionTime": "2026-01-02T03:04:05Z"}
    return {"conditions": [condition], **more}


ATTEMPT = {"attempts": [{"attempt": 1, "jobName": "j", "generation": 1, "startedAt": "2026-01-02T03:04:05Z"}]}


@pytest.mark.parametrize(
    ("kind", "shown", "spec", "words"),
    [
        ("CodeRun", None, {}, "it starts automatically"),
        ("CodeRun", status("Unknown", "Running", **ATTEMPT), {}, "orchestrator runs watch run-1"),
        ("CodeRun", status("Unknown", "ImagePullFailed", **ATTEMPT), {}, "fix what the message names"),
        ("CodeRun", status("Unknown", "Running", **ATTEMPT), {"cancel": True}, "it is stopping"),
        (
            "CodeRun",
            status("Unknown", "Retrying", nextAttemptAt="2026-01-02T03:05:00Z"),
            {},
            "at 2026-01-02T03:05:00Z",
        ),
        ("CodeRun", status("True", "Completed", pullRequestUrl="https://x/1"), {}, "review https://x/1"),
        (
            "CodeRun",
            status("True", "Completed", branch="agents/b"),
            {},
            "diff run-1; then open a pull request from branch agents/b",
        ),
        ("CodeRun", status("True", "NoChanges", branch="agents/b"), {}, "nothing to review"),
        (
            "CodeRun",
            status("False", "MaxTurns"),
            {},
            "raise maxTurns, or make the task smaller; then try again with: orchestrator runs retry run-1",
        ),
        (
            "CodeRun",
            status("False", "AgentError"),
            {},
            "logs run-1; then try again with: orchestrator runs retry run-1 -",
        ),
        (
            "CodeRun",
            status("False", "InvalidInput"),
            {},
            "then try again with: orchestrator runs retry run-1, or submit it again with: orchestrator task code",
        ),
        ("CodeRun", status("False", "NetworkError"), {}, "DNS, proxy, network policies; then try again with: orch"),
        ("DocsRun", status("False", "NoReport"), {}, "then submit it again with: orchestrator task docs --"),
        (
            "CodeRun",
            status(
                "Unknown", "MissingSecret", nextAttemptAt="2026-01-02T03:05:00Z", pendingUntil="2026-01-02T03:19:00Z"
            ),
            {},
            "then try again with: orchestrator runs retry run-1; the next attempt starts automatically at "
            "2026-01-02T03:05:00Z; it gives up at 2026-01-02T03:19:00Z",
        ),
        ("CodeRun", status("False", "Cancelled"), {}, "try again with"),
        ("CodeRun", status("False", "InvalidSpec"), {"model": "x y"}, "submit it again with a valid spec: model"),
    ],
)
def test_the_next_step_follows_from_reason_and_spec(kind: str, shown: Any, spec: Any, words: str) -> None:
    assert words in next_step(run(kind, spec, shown))


def test_a_start_is_one_entry_of_the_timeline() -> None:
    def event(reason: str, uid: str) -> dict[str, Any]:
        return {"reason": reason, "lastTimestamp": "2026-01-02T03:04:06Z", "involvedObject": {"uid": uid}}

    found = run(status=status("Unknown", "Running", **ATTEMPT))
    events = [event("Starting", found.uid), event("Running", found.uid), event("Started", "pod")]
    assert [each.title for each in timeline(found, events)] == ["Submitted", "Attempt 1 started", "Started"]


def test_the_next_step_of_a_queued_and_a_deleted_run() -> None:
    waits = status("Unknown", "Queued")
    assert "it is 2 of 5 in the queue" in next_step(run(status=waits), Position(2, 5, "1 runs work"))
    assert "nothing to do" in next_step(run(deletionTimestamp="2026-01-02T03:04:05Z"))


def test_the_end_of_a_run_is_printed_after_its_log_in_a_pipe() -> None:
    class Events:
        """A stream in which the run ends before the last line of its log arrives."""

        def __init__(self, *events: tuple[str, Any]) -> None:
            self.events = list(events)

        def next_event(self, _seconds: float) -> tuple[str, Any]:
            return self.events.pop(0)

    ended = raw_run(name="r", status=status("True", "Completed", phase="Succeeded", message="pushed b"))
    events = Events(("run", Change("is", ended)), ("log", Line(1, "the last line")), ("log", SourceEnded()))
    out = io.StringIO()
    view_model = watch_view.RunView(run())
    watch_view._follow(view_model, watch_view.LineView(view_model, out), cast("EventMerger", events))
    first_words = [line.split()[0] for line in out.getvalue().splitlines()]
    assert first_words == ["Run", "Pending", "agent", "Succeeded", "Usage"]
