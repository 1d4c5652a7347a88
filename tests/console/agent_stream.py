"""Lines of a log in the formats of Claude Code and the container script."""

import json
from collections.abc import Iterator
from typing import Any

CALLS = iter(range(1, 1_000_000))


def line(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})


def session(model: str = "claude-sonnet-4-5") -> str:
    return line("system", subtype="init", session_id="0b6f7e1c-5a52-4d0e-9c1a-3f2b8a4e0d7b", model=model)


def said(text: str, **message: Any) -> str:
    return line("assistant", message={"content": [{"type": "text", "text": text}], **message})


def thought(text: str) -> str:
    return line("assistant", message={"content": [{"type": "thinking", "thinking": text}]})


def called(tool: str, result: str, *, failed: bool = False, **given: Any) -> Iterator[str]:
    """Yield the lines of a tool call and its result."""
    call = f"toolu_{next(CALLS)}"
    content: list[Any] = [{"type": "tool_use", "id": call, "name": tool, "input": given}]
    yield line("assistant", message={"id": f"msg_{call}", "content": content, "usage": {"output_tokens": 120}})
    content = [{"type": "tool_result", "tool_use_id": call, "content": result, "is_error": failed}]
    yield line("user", message={"content": content})


def finished(text: str, *, turns: int = 9, cost: float = 0.42, failed: bool = False) -> str:
    return line("result", subtype="success", is_error=failed, result=text, num_turns=turns, total_cost_usd=cost)


BEFORE = """    def remove(self, item: str, count: int) -> None:
        self._counts[item] -= count
        self._write()
"""
AFTER = """    def remove(self, item: str, count: int) -> None:
        there = self._counts.get(item, 0)
        if count > there:
            raise NotEnough(f"there are {there} of {item}, not {count}")
        self._counts[item] = there - count
        if not self._counts[item]:
            del self._counts[item]
        self._write()
"""


def session_of_an_agent() -> list[str]:
    """Return a typical session: reading, a failing test, an edit, a passing test."""
    return [
        "orchestrator: cloned acme/inventory at 4c1f2e0",
        "orchestrator: branch agents/inventory-7-3f2b8 from main",
        "orchestrator: task documents of task 7 are in .taskmaster/docs/task-7",
        session(),
        said("I'll start with the task's documents and the code that keeps the stock."),
        *called("Read", "# Take items out of the stock\n\n- [ ] removing too many is refused", file_path="task.md"),
        *called("Grep", "inventory/stock.py\ntests/test_stock.py", pattern="def (add|remove)", path="."),
        thought("`remove` never checks the count. An item at zero stays in the list, which the task forbids."),
        *called(
            "Bash",
            "FAILED tests/test_stock.py::test_too_many - DID NOT RAISE\n2 failed, 11 passed in 0.41s",
            failed=True,
            command="python -m pytest -q",
            description="Run the tests",
        ),
        said("Two tests fail, as expected: `remove` accepts **more than there is**, and keeps items at zero."),
        *called("Edit", "updated", file_path="inventory/stock.py", old_string=BEFORE, new_string=AFTER),
        *called(
            "Bash",
            "13 passed in 0.38s",
            command="python -m pytest -q",
            description="Run the tests again",
        ),
        *called("Bash", "[agents/inventory-7-3f2b8 9e1d0aa] Refuse to remove more than there is", command="git commit"),
        finished(
            "`Stock.remove` now refuses more than there is and drops items at zero.\n\n"
            "- `inventory/stock.py`: the check, with an error that names item and count\n"
            "- all 13 tests pass"
        ),
        "orchestrator: pushed agents/inventory-7-3f2b8",
    ]
