"""The MCP server: runs tools in threads, reports progress and errors, logs to standard error.

Only the protocol is written to standard output: the SDK serves from a copy of it and redirects the original to
standard error, also for child processes. The server ends when its standard input ends.
"""

import json
import logging
import sys
from collections.abc import Sequence
from typing import Any

import anyio
import mcp_types as types
from anyio import from_thread, to_thread
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from functions import __version__
from functions.clients.errors import CommandError
from functions.clients.mcp.arguments import schema
from functions.clients.mcp.run_tools import RUN_TOOLS
from functions.clients.mcp.stdin_repair import RepairedStdin
from functions.clients.mcp.task_tools import TASK_TOOLS
from functions.clients.mcp.tool import Result, Tool
from functions.clients.output import Say
from functions.events.surrogates import replace_lone_surrogates

log = logging.getLogger("orchestrator")

TOOLS: Sequence[Tool[Any]] = (*TASK_TOOLS, *RUN_TOOLS)

INSTRUCTIONS = """Agents document Task Master tasks (task_docs) and implement them (task_code), each as a run that
continues by itself and ends with a pushed branch. A pull request is opened where a GitHub App is installed; otherwise
get_run names the branch to open one from. Follow a run with get_run: its `next` says what to do. Only finished code
runs can be retried, with retry_run, best with a message about what to do differently."""

PROGRESS_SECONDS = 5.0
"""Seconds after which a long step is reported again, so that a client sees that the tool is working."""

Context = ServerRequestContext[Any, Any]


def build(tools: Sequence[Tool[Any]], interval: float) -> Server[Any]:
    """Return a server of these tools that repeats progress every `interval` seconds."""
    known = {tool.name: tool for tool in tools}

    async def list_tools(_: Context, _params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_tool(tool) for tool in tools])

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = known.get(params.name)
        if tool is None:
            return _failed(f"there is no tool {params.name!r}; there are {', '.join(known)}")
        return await _call(tool, params.arguments or {}, _Progress(context, tool.name, interval))

    return Server(
        "orchestrator",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _tool(tool: Tool[Any]) -> types.Tool:
    hints = types.ToolAnnotations(
        read_only_hint=not tool.changes,
        destructive_hint=tool.destroys,
        idempotent_hint=tool.repeatable,
        open_world_hint=True,
    )
    return types.Tool(
        name=tool.name, description=tool.description, input_schema=schema(tool.arguments), annotations=hints
    )


async def _call(tool: Tool[Any], given: dict[str, Any], progress: "_Progress") -> types.CallToolResult:
    async with anyio.create_task_group() as group:
        group.start_soon(progress.repeat)
        answer = await to_thread.run_sync(_answer, tool, given, progress.say)
        group.cancel_scope.cancel()
    return answer


def _answer(tool: Tool[Any], given: dict[str, Any], say: Say) -> types.CallToolResult:
    """Return the tool's result or error; details of defects are only logged."""
    try:
        return _succeeded(tool.call(given, say))
    except CommandError as error:
        log.info("%s failed: %s", tool.name, error)
        return _failed(str(error))
    except Exception:  # a defect of one tool must not end the server
        log.exception("%s failed unexpectedly", tool.name)
        return _failed("an unexpected error; details are in the log of orchestrator-mcp (its standard error)")


def _succeeded(result: Result) -> types.CallToolResult:
    content = replace_lone_surrogates(result.content)  # lone surrogates would end the SDK's writer
    text = types.TextContent(type="text", text=content)
    return types.CallToolResult(content=[text], structured_content=json.loads(content))


def _failed(text: str) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=replace_lone_surrogates(text))], is_error=True
    )


class _Progress:
    """Reports each step to the client and repeats long ones; the SDK drops reports that were not requested."""

    def __init__(self, context: Context, name: str, interval: float) -> None:
        self._context, self._name, self._interval = context, name, interval
        self._count = 0
        self._last = f"{name} has started"

    def say(self, text: str) -> None:
        """Report a step; called in the tool's thread."""
        log.info("%s: %s", self._name, text)
        self._last = text
        from_thread.run(self._tell)

    async def repeat(self) -> None:
        """Report the last step again at intervals."""
        while True:
            await anyio.sleep(self._interval)
            await self._tell()

    async def _tell(self) -> None:
        self._count += 1
        await self._context.session.report_progress(self._count, None, replace_lone_surrogates(self._last))


async def serve(server: Server[Any]) -> None:
    """Serve on standard input and output until the input ends."""
    async with stdio_server() as (reader, writer):
        await server.run(RepairedStdin(reader), writer, server.create_initialization_options())


def start(tools: Sequence[Tool[Any]] = TOOLS, interval: float = PROGRESS_SECONDS) -> None:
    """Serve, with logs on standard error."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    log.setLevel(logging.INFO)
    anyio.run(serve, build(tools, interval))
