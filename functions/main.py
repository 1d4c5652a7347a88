"""The deployed entry points, nothing else. Each is handled by the module of its name in handlers/.

`functions-framework --source functions/main.py --target NAME` puts this file's folder on the path, not the root of
the project, so the root is put there first.
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from functions import startup

startup.begin()

import functions_framework  # noqa: E402  (after the process is tuned)

from functions import app  # noqa: E402

function = app.start()
startup.finish()


@functions_framework.http
def submit_docs(request: Any) -> Any:
    """Create a DocsRun from a request."""
    return function.serve(request)


@functions_framework.http
def submit_code(request: Any) -> Any:
    """Create a CodeRun from a request."""
    return function.serve(request)


@functions_framework.http
def github_webhook(request: Any) -> Any:
    """Verify a delivery of GitHub and publish it."""
    return function.serve(request)


@functions_framework.http
def github_event(request: Any) -> Any:
    """Do what a delivery of GitHub asks for."""
    return function.serve(request)


@functions_framework.http
def reconcile(request: Any) -> Any:
    """Move a run after a watch event on it."""
    return function.serve(request)


@functions_framework.http
def job_finished(request: Any) -> Any:
    """Move a run after a watch event on its Job."""
    return function.serve(request)


@functions_framework.http
def report(request: Any) -> Any:
    """Report a run to every audience."""
    return function.serve(request)


@functions_framework.http
def sweep(request: Any) -> Any:
    """Repair what events missed."""
    return function.serve(request)


@functions_framework.http
def console(request: Any) -> Any:
    """Show the runs to people, as web pages."""
    return function.serve(request)
