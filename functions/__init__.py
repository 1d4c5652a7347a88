"""The orchestrator: event-driven functions that run coding agents as Kubernetes Jobs.

Imports go downwards only; the rooms and their order are the import-linter contracts in pyproject.toml.
"""

import os

__version__ = "0.1.0"
"""The one place of the version; pyproject.toml and the releases read it."""

__revision__ = os.environ.get("SOURCE_REVISION", "unknown")
"""The commit that an image was built from (infra/images/orchestrator); unknown elsewhere."""
