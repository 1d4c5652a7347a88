"""A scripted model: the streaming Messages API on loopback, also in the forms of Bedrock and Vertex.

The turn is the number of assistant messages in the request, so that a repeated request gets the same answer and a
resumed session continues where it stopped. Every request is recorded.
"""

import base64
import binascii
import json
import re
import struct
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

from tests.support.http_servers import Handler, listening

Block = dict[str, Any]
JSON = {"Content-Type": "application/json"}
STREAM = {"Content-Type": "text/event-stream"}
BEDROCK_STREAM = "/invoke-with-response-stream"


@dataclass(frozen=True)
class Turn:
    """A message of the assistant, and its reported usage."""

    blocks: Sequence[Block]
    output_tokens: int = 7


@dataclass(frozen=True)
class Refusal:
    """An error response."""

    status: int
    kind: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


def says(text: str) -> Turn:
    return Turn([{"type": "text", "text": text}])


def uses(tool: str, *, output_tokens: int = 7, **given: Any) -> Turn:
    call = {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:20]}", "name": tool, "input": given}
    return Turn([call], output_tokens)


@dataclass
class Model:
    """The script, and the recorded requests."""

    turns: Sequence[Turn | Refusal]
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    last: Turn | Refusal | None = None

    def answer(self, request: dict[str, Any]) -> Turn | Refusal:
        if request["max_tokens"] == 1:  # the CLI checks whether a refusal still holds
            return self.last or says("")
        self.requests.append(request)
        self.last = turn = self._turn(request)
        return turn

    def _turn(self, request: dict[str, Any]) -> Turn | Refusal:
        said: int = sum(message["role"] == "assistant" for message in request["messages"])
        return self.turns[min(said, len(self.turns) - 1)]

    def request_text(self, number: int = 0) -> str:
        """Return the text of a request's system prompt and messages."""
        request = self.requests[number]
        texts = [request.get("system", ""), *(message["content"] for message in request["messages"])]
        return "\n".join(map(as_text, texts))

    def tool_results(self) -> list[Block]:
        """Return the tool results in the last request."""
        contents = [m["content"] for m in self.requests[-1]["messages"] if isinstance(m["content"], list)]
        return [block for content in contents for block in content if block["type"] == "tool_result"]


def as_text(content: str | list[Block]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text") or json.dumps(block, ensure_ascii=False) for block in content)


@contextmanager
def serving(model: Model) -> Iterator[Model]:
    """Serve `model` at its `url` until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(model))
    model.url = f"http://127.0.0.1:{server.server_port}"
    with listening(server):
        yield model


def _handler(model: Model) -> type[Handler]:
    class Speaking(Handler):
        def asked(self) -> None:
            if self.command == "HEAD":  # a check whether the server answers
                self.answer(200, {})
            else:
                self._speak(json.loads(self.received()))

        def _speak(self, body: dict[str, Any]) -> None:
            turn = model.answer({**body, "headers": dict(self.headers), "path": self.path})
            if isinstance(turn, Refusal):
                error = {"type": "error", "error": {"type": turn.kind, "message": turn.message}}
                self.answer(turn.status, {**JSON, **turn.headers}, json.dumps(error).encode())
            elif self.path.endswith(BEDROCK_STREAM):
                events = _events(turn, _named(self.path))
                self.answer(200, {"Content-Type": "application/vnd.amazon.eventstream"}, b"".join(map(_frame, events)))
            else:
                self.answer(200, STREAM, b"".join(_events(turn, body.get("model") or _named(self.path))))

    return Speaking


def _named(path: str) -> str:
    """Return the model named by a path of Bedrock's or Vertex's API, whose body does not name it."""
    return re.split("/models?/", path)[-1].partition("/")[0].partition(":raw")[0].partition(":streamRaw")[0]


def _frame(event: bytes) -> bytes:
    """Return the event in Bedrock's framing (AWS, Event stream encoding): base64, lengths, checksums."""
    payload = json.dumps({"bytes": base64.b64encode(event.partition(b"data: ")[2].strip()).decode()}).encode()
    given = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(text)) + text.encode()
        for name, text in given.items()
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", binascii.crc32(message))


def _events(turn: Turn, model: str) -> Iterator[bytes]:
    usage = {"input_tokens": 100, "output_tokens": 1}
    message: dict[str, Any] = {
        "id": f"msg_{uuid.uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": model,
    }
    message |= {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    yield event("message_start", message=message)
    for index, block in enumerate(turn.blocks):
        tool = block["type"] == "tool_use"
        empty: Block = {"input": {}} if tool else {"text": ""}
        yield event("content_block_start", index=index, content_block={**block, **empty})
        part = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])} if tool else None
        yield event("content_block_delta", index=index, delta=part or {"type": "text_delta", "text": block["text"]})
        yield event("content_block_stop", index=index)
    reason = "tool_use" if turn.blocks[-1]["type"] == "tool_use" else "end_turn"
    delta = {"stop_reason": reason, "stop_sequence": None}
    yield event("message_delta", delta=delta, usage={"output_tokens": turn.output_tokens})
    yield event("message_stop")


def event(kind: str, **fields: Any) -> bytes:
    """Return one event of a stream."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
