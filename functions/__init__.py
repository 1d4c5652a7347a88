"""The orchestrator: event-driven functions that run coding agents as Kubernetes Jobs.

Imports go downwards only; the rooms and their order are the import-linter contracts in pyproject.toml.
"""

__version__ = "0.1.0"
