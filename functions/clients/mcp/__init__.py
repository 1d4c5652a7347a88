"""`orchestrator-mcp`: the orchestrator's tools for models, over the Model Context Protocol (stdio)."""
