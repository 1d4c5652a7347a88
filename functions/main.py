"""The deployed entry points, nothing else.

`functions-framework --source functions/main.py --target NAME` puts this file's folder on the path, not the root of
the project, so the root is put there first.
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import functions_framework

from functions import app, startup
from functions.runs.model.kinds import RunKind

startup.finish()


@functions_framework.http
def submit_docs(request: Any) -> Any:
    """Makes a DocsRun from a request."""
    return app.submit(RunKind.DOCS, request)


@functions_framework.http
def submit_code(request: Any) -> Any:
    """Makes a CodeRun from a request."""
    return app.submit(RunKind.CODE, request)


@functions_framework.http
def github_webhook(request: Any) -> Any:
    """Takes deliveries of GitHub."""
    return app.github_webhook(request)


@functions_framework.http
def github_event(request: Any) -> Any:
    """Does what a delivery of GitHub asks for."""
    return app.github_event(request)


@functions_framework.http
def reconcile(request: Any) -> Any:
    """Drives a run after a watch event on it."""
    return app.reconcile(request)


@functions_framework.http
def job_finished(request: Any) -> Any:
    """Moves a run after a watch event on its Job."""
    return app.job_finished(request)


@functions_framework.http
def report(request: Any) -> Any:
    """Tells the world of a run's milestones."""
    return app.report(request)


@functions_framework.http
def sweep(request: Any) -> Any:
    """Heals what events missed."""
    return app.sweep(request)
