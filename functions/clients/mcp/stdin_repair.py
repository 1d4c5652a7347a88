"""Repair messages with lone surrogates, which the SDK would drop without a response.

JSON can encode half of a surrogate pair, for example if a client truncates a text within an emoji. The SDK's parser
rejects the whole message including its id, and the client would wait for ever.
"""

import json
from types import TracebackType
from typing import Any, Self

import mcp_types as types
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from functions.events.surrogates import replace_lone_surrogates

Item = SessionMessage | Exception


class RepairedStdin:
    """The messages of `inner`, a read stream of the SDK, with lone surrogates replaced."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    @property
    def last_context(self) -> Any:
        """The sender's context of the last message; the SDK reads it."""
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> Item:
        """Return the next message, or its error."""
        return readable(await self._inner.receive())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        return readable(await self._inner.__anext__())

    async def aclose(self) -> None:
        """Close the stream."""
        await self._inner.aclose()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        ended: bool | None = await self._inner.__aexit__(kind, error, trace)
        return ended


def readable(item: Item) -> Item:
    """Return the repaired message; `item` itself if it is valid or cannot be repaired."""
    if not isinstance(item, ValidationError):
        return item
    try:
        line = json.dumps(json.loads(item.errors()[0]["input"]), ensure_ascii=False)
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(replace_lone_surrogates(line), by_name=False))
    except (ValueError, TypeError, RecursionError):
        return item
