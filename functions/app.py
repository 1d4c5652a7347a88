"""From an entry point to its handler, with the services of the process.

The settings are read when the process starts, so that a bad one stops it there. A process loads the handler of its
own function only, and does so then too: the platform lends a start more processor time than a request (Cloud Run:
Startup CPU boost).
"""

import logging
import os
import sys
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from functions.serving import required_settings
from functions.serving.http import serve
from functions.settings import SettingsError, load, load_webhook
from functions.settings.webhook import WebhookSettings
from functions.telemetry import logs, starting

if TYPE_CHECKING:
    from functions.serving.dependencies import Dependencies
    from functions.serving.webhook_dependencies import WebhookDependencies

FUNCTION = os.environ.get("FUNCTION_TARGET", "")
"""Which of them this process serves (Functions Framework: environment variables)."""

SUBMIT = "functions.submission.acceptance"
"""The module behind both submit functions."""


def _start() -> WebhookSettings:
    logs.configure(sys.stderr, FUNCTION)
    try:
        settings = load_webhook(os.environ) if FUNCTION == "github_webhook" else load(os.environ)
        required_settings.require_settings(settings, FUNCTION)
        starting.check(settings)
        logs.configure(sys.stderr, FUNCTION, settings.observability.project or settings.queues.project)
        return settings
    except SettingsError as error:
        logging.getLogger("orchestrator").error("cannot start: %s", error)
        raise SystemExit(1) from None


SETTINGS = _start()
HANDLER = SUBMIT if FUNCTION in ("submit_docs", "submit_code") else f"functions.handlers.{FUNCTION}"
if FUNCTION and find_spec(HANDLER):  # what there is no function of, functions-framework says better
    import_module(HANDLER)


@cache
def _services() -> "Dependencies":
    from functions.serving.dependencies import connect
    from functions.settings import Settings

    assert isinstance(SETTINGS, Settings), "all sections are loaded but for the webhook"
    starting.start(SETTINGS, FUNCTION)
    return connect(SETTINGS)


@cache
def _intake() -> "WebhookDependencies":
    from functions.serving.webhook_dependencies import connect

    starting.start(SETTINGS, FUNCTION)
    return connect(SETTINGS)


def submit(kind: str, request: Any) -> Any:
    """Answers for `submit_docs` and `submit_code`."""
    from functions.submission import acceptance

    return serve(partial(acceptance.handle, _services(), kind), request)


def github_webhook(request: Any) -> Any:
    """Answers for `github_webhook`."""
    from functions.handlers import github_webhook

    return serve(partial(github_webhook.handle, _intake()), request, github_webhook.LARGEST_PAYLOAD)


def github_event(request: Any) -> Any:
    """Answers for `github_event`."""
    from functions.handlers import github_event

    return serve(partial(github_event.handle, _services()), request)


def reconcile(request: Any) -> Any:
    """Answers for `reconcile`."""
    from functions.handlers import reconcile

    return serve(partial(reconcile.handle, _services()), request)


def job_finished(request: Any) -> Any:
    """Answers for `job_finished`."""
    from functions.handlers import job_finished

    return serve(partial(job_finished.handle, _services()), request)


def report(request: Any) -> Any:
    """Answers for `report`."""
    from functions.handlers import report

    return serve(partial(report.handle, _services()), request)


def sweep(request: Any) -> Any:
    """Answers for `sweep`."""
    from functions.handlers import sweep

    return serve(partial(sweep.handle, _services()), request)
