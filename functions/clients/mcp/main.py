"""The command `orchestrator-mcp`."""

import os
import sys

HELP = """Usage: orchestrator-mcp

Serves task_docs, task_code, list_runs, get_run, stop_run and retry_run over the Model Context Protocol on standard
input and output, for a client such as Claude Code, Cursor or VS Code that starts it. Ends with its input.

Configuration, by environment as for `orchestrator`:
  ORCHESTRATOR_API_URL     URL of the submit functions; needed by task_docs and task_code
  ORCHESTRATOR_TOKEN       bearer token for them, if they need one
  KUBECONFIG               the cluster of the runs; or ORCHESTRATOR_CLUSTER__KUBECONFIG, ORCHESTRATOR_CLUSTER__CONTEXT
  ORCHESTRATOR_NAMESPACE   namespace of the runs; default: that of the kubeconfig's context, else orchestrator
"""


def main() -> int:
    """Serve until standard input ends; return the exit code.

    0, 1 if the SDK is missing, 2 for wrong usage, 130 after Ctrl-C.
    """
    if sys.argv[1:]:
        asked = sys.argv[1] in ("-h", "--help")
        print(
            HELP if asked else f"orchestrator-mcp takes no arguments\n\n{HELP}",
            file=sys.stdout if asked else sys.stderr,
        )
        return 0 if asked else 2
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # otherwise pydantic searches all installed packages
    try:
        from functions.clients.mcp.server import start  # the SDK is an optional dependency
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("mcp", "mcp_types", "anyio"):
            raise
        print("orchestrator-mcp needs the MCP SDK: in a checkout, pipx install '.[local,mcp]'", file=sys.stderr)
        return 1
    try:
        start()
    except KeyboardInterrupt:
        return 130
    return 0
