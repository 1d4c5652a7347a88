"""The process of one function: its settings, its handler and what the handler works with.

`start` reads the settings and loads the handler when the process starts, so that wrong settings stop it there and the
first request does not wait: the platform gives a start more processor time than a request (Cloud Run: Startup CPU
boost). Connections are made at the first request, in the worker process that serves it.
"""

import logging
import os
import sys
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from functions.serving import authentication
from functions.serving.edge import LARGEST_BODY, serve
from functions.serving.webhook_dependencies import WebhookDependencies
from functions.settings.errors import SettingsError
from functions.settings.loading import load, load_webhook
from functions.settings.model import Settings
from functions.settings.queues import SELECT_BACK_END
from functions.settings.webhook import WebhookSettings
from functions.telemetry import exporter_setup, logs
from functions.telemetry.instrumented import publisher

WEBHOOK, GITHUB_EVENT = "github_webhook", "github_event"
RENDERING = ("reconcile", "job_finished", "sweep")
"""Functions that start attempts, and need the templates for that."""


class Function:
    """One function, named by its target: the handler is the module of that name in handlers/."""

    def __init__(self, target: str, settings: WebhookSettings) -> None:
        """Load the handler; raise SettingsError if the function lacks a setting."""
        require_settings(settings, target)
        self._target, self._settings = target, settings
        name = f"functions.handlers.{target}"
        # By name, because a process loads the handler of its own function only. functions-framework reports an
        # unknown target itself.
        self._handler: Any = import_module(name) if target and find_spec(name) else None
        self._largest = getattr(self._handler, "LARGEST_BODY", LARGEST_BODY)

    @cached_property
    def dependencies(self) -> Any:
        """The dependencies of the handler, connected at the first use."""
        exporter_setup.start(self._settings, self._target)
        if not isinstance(self._settings, Settings):
            return WebhookDependencies(self._settings, publisher(self._settings.queues))
        from functions import composition  # not in the webhook's process, which needs little and must start soon

        return composition.connect(self._settings)

    @cached_property
    def pages(self) -> Any:
        """The WSGI application of a handler that serves pages; made at the first use."""
        return self._handler.pages(self.dependencies)

    def serve(self, request: Any) -> Any:
        """Answer a `flask.Request` in Flask's terms."""
        if hasattr(self._handler, "pages") and request.path != "/health":
            return self._handler.respond(self.pages, request)
        return serve(self._handle, request, self._largest, self._check_headers)

    def _handle(self, request: Any) -> Any:
        return self._handler.handle(self.dependencies, request)

    def _check_headers(self, headers: Mapping[str, str]) -> None:
        authentication.refuse_foreign(self._settings.auth, headers)
        check = getattr(self._handler, "check_headers", None)
        if check:
            check(headers)


def start() -> Function:
    """Return the function that FUNCTION_TARGET names; end the process if its settings are wrong."""
    target = os.environ.get("FUNCTION_TARGET", "")  # set by functions-framework, and by the platform
    logs.configure(sys.stderr, target)
    try:
        settings = load_webhook(os.environ) if target == WEBHOOK else load(os.environ)
        exporter_setup.check(settings)
        logs.configure(sys.stderr, target, settings.observability.project or settings.queues.project)
        return Function(target, settings)
    except SettingsError as error:
        logging.getLogger("orchestrator").error("cannot start: %s", error)
        raise SystemExit(1) from None


def require_settings(settings: WebhookSettings, target: str) -> None:
    """Raise SettingsError if the function `target` lacks settings that others do without, naming each of them."""
    lacking = []
    if target == WEBHOOK and not settings.github.webhook_secrets:
        lacking.append("setting github.webhook_secrets: is required; deliveries are verified with it")
    if target == WEBHOOK and not settings.queues.configured:
        lacking.append(f"setting queues: deliveries are published to a queue: {SELECT_BACK_END}")
    if target == GITHUB_EVENT and not settings.github.configured:
        lacking.append("setting github.app_id: is required with github.private_key; the function calls GitHub")
    if target in RENDERING and isinstance(settings, Settings):
        from functions.templating import completeness  # only in the processes that render

        lacking += completeness.problems(settings.templates)
    if lacking:
        raise SettingsError("\n".join(lacking))
