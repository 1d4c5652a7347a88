"""A model that says what a test has it say: the Responses API, streamed, on loopback, as Codex asks it.

The turn is chosen by counting what the model said so far in a request, so that a resumed session goes on where it
stopped. Every request is kept for the test to look at.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Item = dict[str, Any]
SAID = ("function_call", "custom_tool_call")


@dataclass(frozen=True)
class Refusal:
    """An error in place of an answer."""

    status: int
    error: dict[str, Any]


def says(text: str) -> Item:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def runs(command: str) -> Item:
    return calls("exec_command", cmd=command)


def calls(tool: str, namespace: str = "", **given: Any) -> Item:
    """A call of a tool; the tools of an MCP server have a namespace."""
    call = {"type": "function_call", "name": tool, "arguments": json.dumps(given)}
    return call | ({"namespace": namespace} if namespace else {})


@dataclass
class Responses:
    """The script, and what was asked."""

    turns: Sequence[Item | Refusal]
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def answer(self, request: dict[str, Any]) -> Item | Refusal:
        self.requests.append(request)
        said = sum(item["type"] in SAID or item.get("role") == "assistant" for item in request["input"])
        turn = self.turns[min(said, len(self.turns) - 1)]
        number = len(self.requests)
        return turn if isinstance(turn, Refusal) else turn | {"id": f"item_{number}", "call_id": f"call_{number}"}

    def told(self, number: int = 0) -> str:
        """All that a request holds, as text."""
        return json.dumps(self.requests[number], ensure_ascii=False)

    def messages(self, role: str, number: int = 0) -> str:
        """The text of a request's messages of that role."""
        items = [item for item in self.requests[number]["input"] if item.get("role") == role]
        return "\n".join(part["text"] for item in items for part in item["content"] if "text" in part)

    def outputs(self) -> list[str]:
        """What the tools answered, in the last request."""
        return [str(item["output"]) for item in self.requests[-1]["input"] if item["type"].endswith("_call_output")]


@contextmanager
def serving(*turns: Item | Refusal) -> Iterator[Responses]:
    """A model with this script, behind its `url`, until the end of the block."""
    model = Responses(turns)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(model))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(model: Responses) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = model.answer({**body, "headers": dict(self.headers)})
            if isinstance(answer, Refusal):
                self._send(answer.status, json.dumps({"error": answer.error}).encode(), "application/json")
            else:
                self._send(200, b"".join(_events(answer)), "text/event-stream")

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler


def _events(item: Item) -> Iterator[bytes]:
    usage = {"input_tokens": 100, "output_tokens": 7, "total_tokens": 107}
    yield _event("response.created", response={"id": "r"})
    yield _event("response.output_item.done", output_index=0, item=item)
    yield _event("response.completed", response={"id": "r", "usage": usage})


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
