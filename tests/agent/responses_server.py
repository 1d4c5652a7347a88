"""A scripted model: the streaming Responses API on loopback, as Codex uses it.

The turn is the number of model outputs in the request, so that a resumed session continues where it stopped. Every
request is recorded.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

from tests.agent.model_server import JSON, STREAM, event
from tests.support.http_servers import Handler, listening

Item = dict[str, Any]
SAID = ("function_call", "custom_tool_call")


@dataclass(frozen=True)
class Refusal:
    """An error response."""

    status: int
    error: dict[str, Any]


def says(text: str) -> Item:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def runs(command: str) -> Item:
    return calls("exec_command", cmd=command)


def calls(tool: str, namespace: str = "", **given: Any) -> Item:
    """Return a tool call; the tools of an MCP server have a namespace."""
    call = {"type": "function_call", "name": tool, "arguments": json.dumps(given)}
    return call | ({"namespace": namespace} if namespace else {})


@dataclass
class Responses:
    """The script, and the recorded requests."""

    turns: Sequence[Item | Refusal]
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def answer(self, request: dict[str, Any]) -> Item | Refusal:
        self.requests.append(request)
        said = sum(item["type"] in SAID or item.get("role") == "assistant" for item in request["input"])
        turn = self.turns[min(said, len(self.turns) - 1)]
        number = len(self.requests)
        return turn if isinstance(turn, Refusal) else turn | {"id": f"item_{number}", "call_id": f"call_{number}"}

    def request_text(self, number: int = 0) -> str:
        """Return the text of a whole request."""
        return json.dumps(self.requests[number], ensure_ascii=False)

    def messages(self, role: str, number: int = 0) -> str:
        """Return the text of a request's messages with that role."""
        items = [item for item in self.requests[number]["input"] if item.get("role") == role]
        return "\n".join(part["text"] for item in items for part in item["content"] if "text" in part)

    def outputs(self) -> list[str]:
        """Return the tool outputs in the last request."""
        return [str(item["output"]) for item in self.requests[-1]["input"] if item["type"].endswith("_call_output")]


@contextmanager
def serving(*turns: Item | Refusal) -> Iterator[Responses]:
    """Serve a model with this script at its `url` until the block ends."""
    model = Responses(turns)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(model))
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    with listening(server):
        yield model


def _handler(model: Responses) -> type[Handler]:
    class Speaking(Handler):
        def asked(self) -> None:
            turn = model.answer({**json.loads(self.received()), "headers": dict(self.headers)})
            if isinstance(turn, Refusal):
                self.answer(turn.status, JSON, json.dumps({"error": turn.error}).encode())
            else:
                self.answer(200, STREAM, b"".join(_events(turn)))

    return Speaking


def _events(item: Item) -> Iterator[bytes]:
    usage = {"input_tokens": 100, "output_tokens": 7, "total_tokens": 107}
    yield event("response.created", response={"id": "r"})
    yield event("response.output_item.done", output_index=0, item=item)
    yield event("response.completed", response={"id": "r", "usage": usage})
