"""`orchestrator task`: asks for docs and code runs, with what git knows of the directory where nothing is given."""
