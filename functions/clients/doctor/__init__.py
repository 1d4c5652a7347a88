"""The checks of `orchestrator doctor`: one module per part of an installation, each made of functions without state."""
