"""A transcript is built line by line: results join their calls, notes become blocks, indexes are stable."""

import json

from functions.views.diff import COMPARED, DiffLine, of_edit, parse
from functions.views.stream import Edit
from functions.views.transcript import NOTES, Call, Notes, Transcript
from tests.console.agent_stream import called, finished, said, session


def test_a_result_joins_its_call_in_any_order() -> None:
    one, other = list(called("Read", "text of a", file_path="a")), list(called("Bash", "no", failed=True, command="b"))
    found = Transcript()
    assert [found.add(line) for line in (one[0], other[0], other[1], one[1])] == [[0], [1], [1], [0]]
    calls = [item.content for item in found.items]
    assert [(c.call.about, c.result.text, c.result.failed) for c in calls if isinstance(c, Call) and c.result] == [
        ("a", "text of a", False),
        ("b", "no", True),
    ]


def test_a_result_without_its_call_is_ignored() -> None:
    _, result = called("Read", "text", file_path="a")
    assert Transcript().add(result) == []


def test_successive_notes_form_blocks_of_limited_length() -> None:
    found = Transcript().read(["one", "", "two", said("hello"), *("line" for _ in range(NOTES + 1))])
    assert [item.kind for item in found.items] == ["notes", "message", "notes", "notes"]
    assert found.items[0].content == Notes(("one", "two"))
    assert found.lines == NOTES + 5


def test_totals_are_read_from_the_stream() -> None:
    found = Transcript().read([session(), *called("Read", "", file_path="a"), finished("done", turns=3, cost=0.5)])
    assert (found.totals.turns, found.totals.cost_usd, found.totals.output_tokens) == (3, 0.5, 120)


def test_a_deeply_nested_line_becomes_a_note() -> None:
    line = '{"type":' + "[" * 100_000
    assert [item.kind for item in Transcript().read([line]).items] == ["notes"]


def test_an_edit_is_compared_by_lines() -> None:
    found = of_edit(Edit("a.py", "one\ntwo\nthree\n", "one\n2\nthree\n"))
    assert [(line.sign, line.text) for line in found.lines] == [
        (" ", "one"),
        ("-", "two"),
        ("+", "2"),
        (" ", "three"),
    ]
    assert (found.added, found.removed) == (1, 1)


def test_a_long_edit_is_not_compared() -> None:
    found = of_edit(Edit("a", "x\n" * (COMPARED + 1), "y\n"))
    assert (found.removed, found.added) == (COMPARED + 1, 1)


def test_a_codex_command_is_shown_with_its_result() -> None:
    item = {"type": "command_execution", "id": "i", "command": "ls", "aggregated_output": "a\nb", "exit_code": 2}
    (shown,) = Transcript().read([json.dumps({"type": "item.completed", "item": item})]).items
    assert isinstance(shown.content, Call)
    assert shown.content.result
    assert (shown.content.result.exit_code, shown.content.result.failed, shown.content.result.text) == (2, True, "a\nb")


DIFF = """diff --git a/inventory/stock.py b/inventory/stock.py
index 1..2 100644
--- a/inventory/stock.py
+++ b/inventory/stock.py
@@ -1,2 +1,2 @@ class Stock
 kept
-- old
++ new
diff --git a/logo.png b/logo.png
new file mode 100644
Binary files /dev/null and b/logo.png differ
"""


def test_a_git_diff_is_parsed_by_file() -> None:
    stock, logo = parse(DIFF)
    assert (stock.path, logo.path) == ("inventory/stock.py", "logo.png")
    assert [(line.sign, line.text) for line in stock.lines[1:]] == [(" ", "kept"), ("-", "- old"), ("+", "+ new")]
    assert logo.lines == [DiffLine(" ", "Binary files /dev/null and b/logo.png differ")]
