"""Set up the GitHub App."""

from functions.clients.lazy_group import LazyGroup

EPILOG = """\b
Example:
  orchestrator github setup --name acme-agents --organization acme --webhook-url https://agents.example/github
"""
command = LazyGroup(__name__, ("setup",), __doc__, EPILOG)
