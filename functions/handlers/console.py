"""The console function: the web page of the installation, read-only."""

from typing import Any

from google.auth.transport import urllib3 as google_transport
from urllib3 import PoolManager
from werkzeug.wrappers import Response

from functions.console import streams
from functions.console.app import create_app
from functions.console.context import Console
from functions.console.platform_access import access
from functions.serving.dependencies import Dependencies


def pages(deps: Dependencies) -> Any:
    """Return the console as a WSGI application."""
    fetch = google_transport.Request(PoolManager())  # type: ignore[no-untyped-call]
    allowed = access(deps.settings.console, fetch)
    return create_app(Console(deps.cluster, deps.settings.namespace, allowed, streams.for_function(), deps.clock))


def respond(application: Any, flask_request: Any) -> Response:
    """Return the application's response to a request of functions-framework, which may be a stream."""
    return Response.from_app(application, flask_request.environ)
