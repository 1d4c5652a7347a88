"""A session with `orchestrator-mcp` as a process, by the client of the official SDK."""

import json
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import anyio
from mcp import Client, StdioServerParameters


class Session:
    """A session with the server; `steps` are its progress messages."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.steps: list[str] = []

    async def call(self, tool: str, **arguments: Any) -> Any:
        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            self.steps.append(message or "")

        return await self.client.call_tool(tool, arguments, progress_callback=on_progress)

    async def does(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the structured result, which equals the text."""
        result = await self.call(tool, **arguments)
        assert not result.is_error, result.content
        (text,) = result.content
        assert json.loads(text.text) == result.structured_content
        return dict(result.structured_content)

    async def fails(self, tool: str, **arguments: Any) -> str:
        """Return the text of the tool's error."""
        result = await self.call(tool, **arguments)
        assert result.is_error, result.content
        (text,) = result.content
        return str(text.text)


def in_session(environ: Mapping[str, str], work: Callable[[Session], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "functions.clients.mcp"], env=dict(environ), cwd=environ["HOME"]
        )
        async with Client(command, read_timeout_seconds=60) as client:
            await work(Session(client))

    anyio.run(run)
