"""What people read of a run, as data and as text, for the command line, the MCP server and the console."""
