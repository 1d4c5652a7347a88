"""Views of runs for people, as data and as text, for the command line, the MCP server and the console."""
