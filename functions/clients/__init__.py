"""User interfaces: the command line and the MCP server."""
