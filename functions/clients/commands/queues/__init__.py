"""Manage the queues between the functions."""

from functions.clients.lazy_group import LazyGroup

EPILOG = """\b
Examples:
  orchestrator queues apply --dry-run             show what would be set up on Pub/Sub
  orchestrator queues dead list                   events that could not be delivered, with their runs
"""
command = LazyGroup(__name__, ("apply", "dead"), __doc__, EPILOG)
