"""Check the settings of the functions: a YAML file (ORCHESTRATOR_CONFIG) and the environment."""

from functions.clients.lazy_group import LazyGroup

EPILOG = """\b
Example:
  ORCHESTRATOR_CONFIG=settings.yaml orchestrator config check
"""
command = LazyGroup(__name__, ("check",), __doc__, EPILOG)
