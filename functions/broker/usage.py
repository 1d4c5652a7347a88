"""Counts the usage that the model's answers report; the agent cannot change the count. Pure.

An answer is JSON or a stream of server-sent events; the events of Bedrock's stream are encoded in base64.

Sources: Anthropic, Messages API, Streaming (usage of message_delta is cumulative); OpenAI, Responses API, Usage;
Amazon Bedrock, InvokeModelWithResponseStream.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from functions.broker.configuration import Price

MAX_BUFFER = 4_194_304
"""Bytes of an incomplete event or JSON answer that are kept; a longer one is not counted."""

_BEDROCK_EVENT = re.compile(rb'"bytes"\s*:\s*"([A-Za-z0-9+/=]+)"')
_MILLION = 1_000_000


@dataclass(slots=True)
class Usage:
    """Totals of all answers so far."""

    requests: int = 0
    input_tokens: int = 0
    """Tokens that are neither read from nor written to the prompt cache."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float = 0.0
    """US dollars, for the models whose price is configured."""
    unpriced_requests: int = 0
    prices: Mapping[str, Price] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the totals as JSON of the broker's endpoint /usage."""
        return {name: value for name, value in asdict(self).items() if name != "prices"}

    def add(self, model: str, counts: Mapping[str, int]) -> None:
        """Add the token counts of one answer, by the names of a price."""
        self.requests += 1
        self.input_tokens += counts.get("input", 0)
        self.output_tokens += counts.get("output", 0)
        self.cache_read_tokens += counts.get("cache_read", 0)
        self.cache_write_tokens += counts.get("cache_write", 0)
        price = next((price for prefix, price in self.prices.items() if model.startswith(prefix)), None)
        if price is None:
            self.unpriced_requests += 1
        else:
            self.cost_usd += sum(n * getattr(price, kind) for kind, n in counts.items()) / _MILLION


class Meter:
    """Reads the usage of one answer, which arrives in pieces."""

    def __init__(self, total: Usage) -> None:
        self._total = total
        self._buffer = b""
        self._model = ""
        self._counts: dict[str, int] = {}

    def feed(self, piece: bytes) -> None:
        """Read one piece; events may be split anywhere."""
        *lines, rest = (self._buffer + piece).split(b"\n")
        for line in lines:
            self._read(line)
        self._buffer = self._read(rest, complete=False)[-MAX_BUFFER:]

    def end(self) -> None:
        """Read the rest, and add the answer to the totals."""
        self._read(self._buffer)
        self._total.add(self._model, self._counts)

    def _read(self, line: bytes, *, complete: bool = True) -> bytes:
        """Read the events of a line; of an incomplete line only those of Bedrock. Return the unread rest."""
        end = 0
        for match in _BEDROCK_EVENT.finditer(line):  # in binary frames, which line ends do not delimit
            end = match.end()
            self._event(_decoded(match[1]))
        if complete and not end:
            self._event(line.removeprefix(b"data:").strip())
        return line[end:]

    def _event(self, text: bytes) -> None:
        for document in _documents(text):
            for part in (document, document.get("message"), document.get("response")):
                if isinstance(part, dict):
                    self._record(part)

    def _record(self, part: dict[str, Any]) -> None:
        if isinstance(part.get("model"), str):
            self._model = part["model"]
        usage = part.get("usage")
        if isinstance(usage, dict):
            self._counts |= _counts(usage)


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


def _documents(text: bytes) -> Iterator[dict[str, Any]]:
    if b'"usage"' in text or b'"model"' in text:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return
        if isinstance(document, dict):
            yield document


def _counts(usage: dict[str, Any]) -> dict[str, int]:
    """Return the token counts of a usage object of either API, by the names of a price."""
    names = {
        "input": "input_tokens",
        "output": "output_tokens",
        "cache_read": "cache_read_input_tokens",
        "cache_write": "cache_creation_input_tokens",
    }
    counts = {name: usage[key] for name, key in names.items() if isinstance(usage.get(key), int)}
    details = usage.get("input_tokens_details")  # OpenAI: the cached part of input_tokens
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    if isinstance(cached, int) and "input" in counts:
        counts |= {"input": counts["input"] - cached, "cache_read": cached}
    return counts
