"""Helpers of `orchestrator run` and `orchestrator dev`: folder for state, check for templates."""

from pathlib import Path

import click

from functions.clients.errors import CommandError
from functions.local.dev.pod_environ import ROOT

STATE = Path(".state")
FOLDER = click.Path(path_type=Path)


def require_checkout() -> None:
    """Refuse to start where the project's templates are missing."""
    if not (ROOT / "templates").is_dir():
        raise CommandError(f"{ROOT} has no templates: run this from a checkout (`make dev`), or `pip install -e` one")
