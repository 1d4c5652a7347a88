"""Messages that the SDK drops without an answer, made readable: who asked would wait for ever.

JSON can write half of a character, as a client does that cuts a text between the two halves of an emoji. The SDK's
parser refuses the whole message, and then nobody knows its id.
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
    """The messages of `inner`, a read stream of the SDK, with a mark in the place of each half of a character."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    @property
    def last_context(self) -> Any:
        """The context of who sent the last message, which the SDK asks for."""
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> Item:
        """The next message, or why it is none."""
        return readable(await self._inner.receive())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        return readable(await self._inner.__anext__())

    async def aclose(self) -> None:
        """Ends the stream."""
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
    """The message that a line is once its text is whole; `item` itself where it is one, or is none anyway."""
    if not isinstance(item, ValidationError):
        return item
    try:
        line = json.dumps(json.loads(item.errors()[0]["input"]), ensure_ascii=False)
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(replace_lone_surrogates(line), by_name=False))
    except (ValueError, TypeError, RecursionError):
        return item
