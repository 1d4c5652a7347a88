"""`python -m functions.clients.mcp`: the MCP server, from a checkout."""

import sys

from functions.clients.mcp.main import main

sys.exit(main())
