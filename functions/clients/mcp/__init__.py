"""`orchestrator-mcp`: what a model can ask of the orchestrator, over the Model Context Protocol (stdio)."""
