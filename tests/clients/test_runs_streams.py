"""What follows a run is made of: its agent's words, its log over cut connections, its changes, a terminal's block.

part            what is asserted
transcript      Claude Code's and Codex's streams as text; what it costs; nothing that a terminal would obey
pod log         each line once, in order, over cuts, also within one second; ends with the pod
changes         list, watch, bookmark; 410 lists again and tells what is gone; a cut watch goes on where it was
screen          the block is drawn in its place, cut to the terminal
advice          every end and every wait says what to do
"""

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from functions.clients.runs import overview, screen
from functions.clients.runs.advice import advice
from functions.clients.runs.changes import Change, Changes
from functions.clients.runs.podlog import PodLog, started
from functions.cluster.client import Cluster
from functions.cluster.errors import Forbidden, Gone, NotFound, Unavailable
from functions.cluster.kinds import CODE_RUN
from functions.cluster.transport import Request
from functions.local.transcript import Tally, readable, short
from functions.runs.position import Position
from tests.support.builders import raw_run, run


def claude(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, "session_id": "s", **fields})


def assistant(*parts: Any, name: str = "m1", tokens: int = 5) -> str:
    return claude("assistant", message={"id": name, "content": list(parts), "usage": {"output_tokens": tokens}})


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("[attempt] starts", "[attempt] starts"),
        ('{"not": "a message"}', '{"not": "a message"}'),
        ("{broken", "{broken"),
        ("[1, 2]", "[1, 2]"),
        (claude("system", subtype="init", model="claude-x"), "session s with model claude-x"),
        (claude("system", subtype="other"), ""),
        (claude("stream_event"), ""),
        (assistant({"type": "text", "text": "Two\nlines "}), "Two\nlines"),
        (assistant({"type": "tool_use", "name": "Bash", "input": {"command": "npm  test\n"}}), "> Bash npm test"),
        (assistant({"type": "tool_use", "name": "Odd", "input": {"n": 1}}), '> Odd {"n": 1}'),
        (assistant({"type": "thinking", "thinking": "hm"}), ""),
        (assistant("text", 3), ""),
        (claude("user", message={"content": [{"type": "tool_result", "content": "a\nb"}]}), "  a (first of 2 lines)"),
        (
            claude(
                "user", message={"content": [{"type": "tool_result", "is_error": True, "content": [{"text": "no"}]}]}
            ),
            "  failed: no",
        ),
        (claude("user", message={"content": "text"}), ""),
        (claude("result", result="Done.", num_turns=3, total_cost_usd=0.125), "result: Done. (3 turns, $0.12)"),
        (claude("result", subtype="error_max_turns", is_error=True), "error: error_max_turns"),
        (claude("assistant", message="x"), ""),
        (json.dumps({"type": "item.completed", "item": {"type": "agent_message", "text": "Hi"}}), "Hi"),
        (
            json.dumps(
                {"type": "item.completed", "item": {"type": "command_execution", "command": "ls", "exit_code": 2}}
            ),
            "> ls (exit code 2)",
        ),
        (
            json.dumps({"type": "item.completed", "item": {"type": "file_change", "changes": [{"path": "a.py"}]}}),
            "> edits a.py",
        ),
        (json.dumps({"type": "turn.failed", "error": {"message": "out of quota"}}), "error: out of quota"),
    ],
)
def test_a_line_of_a_log_is_text_for_people(line: str, text: str) -> None:
    assert readable(line) == text


def test_nothing_in_a_log_is_obeyed_by_a_terminal() -> None:
    for line in ("\x1b[2Jgone", assistant({"type": "text", "text": "\x1b]0;title\x07a\rb"})):
        assert not {"\x1b", "\x07", "\r"} & set(readable(line))


def test_a_tally_counts_a_message_that_comes_in_parts_once() -> None:
    tally = Tally()
    for line in (assistant("x", tokens=2), assistant("x", tokens=5), assistant("x", name="m2", tokens=4)):
        tally.read(line)
    assert (tally.turns, tally.output_tokens, tally.cost_usd) == (2, 9, None)
    tally.read(claude("result", num_turns=2, total_cost_usd=1))
    assert (tally.turns, tally.cost_usd) == (2, 1.0)
    codex = Tally()
    codex.read(json.dumps({"type": "turn.completed", "usage": {"output_tokens": 7}}))
    assert (codex.turns, codex.output_tokens) == (1, 7)


def test_short_text_is_one_line() -> None:
    assert short(" a\n b ", 10) == "a b"
    assert short("abcdefghijkl", 10) == "abcdefg..."


class Script:
    """A transport that answers as it is told, and keeps what is asked; what it is told that is an error it raises."""

    def __init__(self, *streams: Sequence[Any], pods: Sequence[Any] = (), pages: Sequence[Any] = ()) -> None:
        self._streams, self._pods, self._pages = iter(streams), iter(pods), iter(pages)
        self.asked: list[Request] = []

    def send(self, request: Request) -> Any:
        answer = next(self._pages if request.path.endswith("coderuns") else self._pods)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stream(self, request: Request) -> Iterator[Any]:
        self.asked.append(request)
        return _play(next(self._streams))


def _play(items: Sequence[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


POD = {"metadata": {"namespace": "orchestrator", "name": "pod-1"}}
RUNNING, ENDED = {"status": {"phase": "Running"}}, {"status": {"phase": "Succeeded"}}
CUT = Unavailable("the stream was cut")


def stamped(moment: str, text: str) -> str:
    return f"2026-01-02T03:04:{moment}Z {text}"


def test_a_log_that_is_cut_goes_on_with_each_line_once() -> None:
    one, two, three = stamped("05.1", "one"), stamped("05.1", "two"), stamped("05.9", "three")
    four, five = stamped("06", "four"), stamped("06.5", "five")
    script = Script(
        [one, two, CUT], [one, two, three, CUT], [one, two, three, four], [four, five], pods=[RUNNING, ENDED]
    )
    pauses: list[float] = []
    assert list(PodLog(Cluster(script), POD, pauses.append).follow()) == ["one", "two", "three", "four", "five"]
    since = [request.query.get("sinceTime") for request in script.asked]
    assert since == [None, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"]
    assert pauses == [0.2, 0.2, 0.2]


def test_a_log_that_says_nothing_is_asked_ever_more_seldom() -> None:
    pauses: list[float] = []
    script = Script(*[[]] * 7, pods=[RUNNING] * 6 + [ENDED])
    assert list(PodLog(Cluster(script), POD, pauses.append).follow()) == []
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0]


def test_the_log_of_a_pod_that_goes_away_ends() -> None:
    log = PodLog(Cluster(Script([stamped("05", "one")], pods=[NotFound("gone")])), POD, lambda _: None).follow()
    assert next(log) == "one"
    with pytest.raises(NotFound):
        next(log)


@pytest.mark.parametrize(
    ("status", "has_log"),
    [
        ({}, False),
        ({"phase": "Pending"}, False),
        ({"containerStatuses": [{"state": {"waiting": {}}}]}, False),
        ({"containerStatuses": [{"state": {"running": {}}}]}, True),
        ({"phase": "Running", "containerStatuses": [{"state": {"terminated": {}}}]}, True),
        ({"phase": "Failed"}, True),
    ],
)
def test_a_pod_has_a_log_once_its_container_has_run(status: Any, has_log: bool) -> None:
    assert started({"status": status}) is has_log


def item(name: str, version: str) -> dict[str, Any]:
    return {"kind": "CodeRun", "metadata": {"name": name, "uid": f"u-{name}", "resourceVersion": version}}


def page(version: str, *items: Any, token: str = "") -> dict[str, Any]:
    return {"metadata": {"resourceVersion": version, "continue": token}, "items": list(items)}


def event(verb: str, name: str, version: str) -> dict[str, Any]:
    return {"type": verb, "object": item(name, version)}


EXPIRED = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}


def test_changes_are_told_over_bookmarks_cuts_and_lost_history() -> None:
    script = Script(
        [event("ADDED", "b", "11"), event("BOOKMARK", "", "20")],
        [event("MODIFIED", "a", "21"), CUT],
        [EXPIRED],
        [event("DELETED", "c", "41")],
        [Forbidden("no longer")],
        pages=[page("10", item("a", "1"), token="t"), page("10"), page("40", item("a", "21"), item("c", "30"))],
    )
    told: list[tuple[str, str]] = []

    def follow() -> None:
        for change in Changes(Cluster(script), CODE_RUN, "orchestrator", pause=lambda _: None).follow():
            told.append((change.what, change.run["metadata"]["name"] if change.run else change.why))

    with pytest.raises(Forbidden):
        follow()
    assert told == [
        ("is", "a"), ("is", "b"), ("is", "a"), ("trouble", "the stream was cut"),
        ("gone", "b"), ("is", "a"), ("is", "c"), ("gone", "c"),
    ]  # fmt: skip
    assert [request.query["resourceVersion"] for request in script.asked] == ["10", "20", "21", "40", "41"]


def test_a_list_that_says_410_is_made_again() -> None:
    changes = Changes(
        Cluster(Script([], pages=[Gone("old"), page("5", item("a", "1"))])), CODE_RUN, "x", pause=lambda _: None
    )
    assert next(iter(changes.follow())).run["metadata"]["name"] == "a"


def test_one_run_is_asked_for_by_its_name() -> None:
    script = Script([event("MODIFIED", "a", "2")], pages=[page("1", item("a", "1"))])
    changes = Changes(Cluster(script), CODE_RUN, "x", "a", pause=lambda _: None).follow()
    assert [next(changes).what, next(changes).what] == ["is", "is"]
    assert script.asked[0].query["fieldSelector"] == "metadata.name=a"


def test_one_run_that_is_not_there_is_gone() -> None:
    change = next(iter(Changes(Cluster(Script(pages=[page("1")])), CODE_RUN, "x", "a").follow()))
    assert (change.what, change.run["metadata"]["name"]) == ("gone", "a")


def test_a_block_is_drawn_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setenv("LINES", "4")
    out = io.StringIO()
    shown = screen.Screen(out)
    shown.draw(["a", "b" * 20])
    shown.draw(["c", "d", "e", "f", "g"])
    assert out.getvalue() == "a\n" + "b" * 9 + "\n" + "\x1b[2F\x1b[J" + "c\nd\ne\n"


def test_all_runs_on_a_terminal_are_those_that_are_not_finished_or_finished_meanwhile() -> None:
    def change(what: Any, name: str, **parts: Any) -> Change:
        return Change(what, raw_run(name=name, uid=name, **parts))

    out = io.StringIO()
    table = overview.Table("orchestrator", out)
    table.tick()
    table.show(change("is", "before", status=status("True", "Completed", phase="Succeeded")))
    assert "no unfinished runs in namespace orchestrator" in out.getvalue()
    table.show(change("is", "now", status=status("Unknown", "Running", phase="Running")))
    table.show(change("is", "now", status=status("True", "Completed", phase="Succeeded")))
    table.show(change("is", "next"))
    block = out.getvalue().rpartition("\x1b[J")[2]
    assert {line.split()[0] for line in block.splitlines()} == {"NAME", "now", "next", "Ctrl-C"}
    assert "Succeeded" in block
    table.trouble("no answer, trying again: \x1b[2Jcut")
    assert out.getvalue().endswith("no answer, trying again: [2Jcut\n")
    table.show(change("gone", "now"))
    assert "now" not in out.getvalue().rpartition("\x1b[J")[2]


def test_wide_characters_take_two_columns() -> None:
    assert screen.fit("日本語", 5) == "日本"
    assert screen.fit("e\u0301e", 1) == "e\u0301"


def status(truth: str, reason: str, **more: Any) -> dict[str, Any]:
    told = {"type": "Succeeded", "status": truth, "reason": reason, "lastTransitionTime": "2026-01-02T03:04:05Z"}
    return {"conditions": [told], **more}


ATTEMPT = {"attempts": [{"attempt": 1, "jobName": "j", "generation": 1, "startedAt": "2026-01-02T03:04:05Z"}]}


@pytest.mark.parametrize(
    ("kind", "told", "spec", "words"),
    [
        ("CodeRun", None, {}, "it starts by itself"),
        ("CodeRun", status("Unknown", "Running", **ATTEMPT), {}, "orchestrator runs watch run-1"),
        ("CodeRun", status("Unknown", "ImagePullFailed", **ATTEMPT), {}, "mend what the message names"),
        ("CodeRun", status("Unknown", "Running", **ATTEMPT), {"cancel": True}, "it stops"),
        (
            "CodeRun",
            status("Unknown", "Retrying", nextAttemptAt="2026-01-02T03:05:00Z"),
            {},
            "at 2026-01-02T03:05:00Z",
        ),
        ("CodeRun", status("True", "Completed", pullRequestUrl="https://x/1"), {}, "review https://x/1"),
        ("CodeRun", status("True", "Completed", branch="agents/b"), {}, "open a pull request from branch agents/b"),
        ("CodeRun", status("True", "NoChanges", branch="agents/b"), {}, "nothing to review"),
        (
            "CodeRun",
            status("False", "MaxTurns"),
            {},
            "logs run-1; then try again with: orchestrator runs retry run-1",
        ),
        ("DocsRun", status("False", "NoReport"), {}, "then submit it again with: orchestrator task docs"),
        ("CodeRun", status("False", "Cancelled"), {}, "try again with"),
        ("CodeRun", status("False", "InvalidSpec"), {"model": "x y"}, "submit it again with a valid spec: model"),
    ],
)
def test_what_to_do_next_is_said(kind: str, told: Any, spec: Any, words: str) -> None:
    assert words in advice(run(kind, spec, told))


def test_a_waiting_run_says_its_place_and_a_deleted_one_that_there_is_nothing_to_do() -> None:
    waits = status("Unknown", "Queued")
    assert "it is 2 of 5 in the queue" in advice(run(status=waits), Position(2, 5, "1 runs work"))
    assert "nothing to do" in advice(run(deletionTimestamp="2026-01-02T03:04:05Z"))
