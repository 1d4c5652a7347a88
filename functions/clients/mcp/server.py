"""The MCP server: tools in threads, progress while they work, errors as errors of the tool, logs on standard error.

Nothing but the protocol goes to standard output: the SDK serves from a copy of it and points the real one at standard
error, for prints of ours and of every process that is started. It ends when its standard input does.
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
works by itself and ends with a pull request. Follow a run with get_run: its `next` says what to do. Only finished
code runs can be retried, with retry_run, best with a message about what to do otherwise."""

STILL_SECONDS = 5.0
"""How often a step that takes long is said again, so that a client sees that it goes on."""

Context = ServerRequestContext[Any, Any]


def build(tools: Sequence[Tool[Any]], still: float) -> Server[Any]:
    """The server of these tools, which says a step again each `still` seconds."""
    known = {each.name: each for each in tools}

    async def list_tools(_: Context, _params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(each) for each in tools])

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = known.get(params.name)
        if tool is None:
            return _failed(f"there is no tool {params.name!r}; there are {', '.join(known)}")
        return await _call(tool, params.arguments or {}, _Progress(context, tool.name, still))

    return Server(
        "orchestrator",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _described(tool: Tool[Any]) -> types.Tool:
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
        group.start_soon(progress.keep_saying)
        answer = await to_thread.run_sync(_answer, tool, given, progress.say)
        group.cancel_scope.cancel()
    return answer


def _answer(tool: Tool[Any], given: dict[str, Any], say: Say) -> types.CallToolResult:
    """The tool's result, or its error: cause and remedy of an expected one, of a defect only that there is one."""
    try:
        return _succeeded(tool.call(given, say))
    except CommandError as error:
        log.info("%s failed: %s", tool.name, error)
        return _failed(str(error))
    except Exception:
        log.exception("%s failed unexpectedly", tool.name)
        return _failed("an unexpected error; what it was is in the log of orchestrator-mcp (its standard error)")


def _succeeded(result: Result) -> types.CallToolResult:
    content = replace_lone_surrogates(result.content)  # else the SDK could not write it, and would end
    text = types.TextContent(type="text", text=content)
    return types.CallToolResult(content=[text], structured_content=json.loads(content))


def _failed(text: str) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=replace_lone_surrogates(text))], is_error=True
    )


class _Progress:
    """Tells the client each step, and a long one again and again; a client that did not ask hears nothing."""

    def __init__(self, context: Context, name: str, still: float) -> None:
        self._context, self._name, self._still = context, name, still
        self._told = 0
        self._last = f"{name} has begun"

    def say(self, text: str) -> None:
        """Tells a step; from the tool's thread."""
        log.info("%s: %s", self._name, text)
        self._last = text
        from_thread.run(self._tell)

    async def keep_saying(self) -> None:
        """Tells the last step again while it takes long."""
        while True:
            await anyio.sleep(self._still)
            await self._tell()

    async def _tell(self) -> None:
        self._told += 1
        await self._context.session.report_progress(self._told, None, replace_lone_surrogates(self._last))


async def serve(server: Server[Any]) -> None:
    """Serves on standard input and output until the input ends."""
    async with stdio_server() as (reader, writer):
        await server.run(RepairedStdin(reader), writer, server.create_initialization_options())


def start(tools: Sequence[Tool[Any]] = TOOLS, still: float = STILL_SECONDS) -> None:
    """Serves, with logs on standard error."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    log.setLevel(logging.INFO)
    anyio.run(serve, build(tools, still))
