"""The console as a Flask application: addresses, templates, headers, error pages.

GET  /                                 the fleet; filters are in the query
GET  /stream                           server-sent events: the fleet has changed
GET  /runs/KIND/NAME                   a run; ?attempt=N shows an earlier attempt
GET  /runs/KIND/NAME/stream            server-sent events: the run has changed, its agent has written
GET  /runs/KIND/NAME/log               the log of an attempt, as text
GET  /runs/KIND/NAME/files[/FILE]      the task files, or one as text
GET  /runs/KIND/NAME/diff              what the run's branch changes, where the console has the repository
POST /runs/KIND/NAME/retry, /cancel    where the person may change runs
"""

import hashlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from flask import Flask, Response, request, url_for
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from functions import __version__
from functions.cluster.errors import ClusterError
from functions.console import errors, files_page, fleet_page, foreign_text, live, requests, run_page
from functions.console.context import Console, Visit
from functions.console.refused import Refused
from functions.runs.model.status import rfc3339
from functions.views import formatting, links
from functions.views.agent_output import clean

ROOT = Path(__file__).resolve().parent
YEAR = 31_536_000
"""Seconds that a browser keeps style sheet and script; their addresses change with their content."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer a form would be sent with Origin: null
    "X-Content-Type-Options": "nosniff",
}
"""The policy of every response: no inline scripts, no other origins, no frames."""

View = Callable[..., Response | str]


def create_app(console: Console) -> Flask:
    """Return the application of a console, to be served at the root of a host."""
    app = Flask("orchestrator-console", root_path=str(ROOT), static_url_path="/assets")
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = YEAR
    _prepare_templates(app, console)
    app.before_request(partial(_check, console))
    app.after_request(_add_headers)
    for kind in (HTTPException, ClusterError, Refused):
        app.register_error_handler(kind, errors.page)
    for rule, view in _rules().items():
        app.add_url_rule(rule, rule, partial(view, console))
    for action in ("retry", "cancel"):
        view = partial(requests.change, console, action)
        app.add_url_rule(f"/runs/<word>/<name>/{action}", action, view, methods=["POST"])
    return app


def _rules() -> dict[str, View]:
    run = "/runs/<word>/<name>"
    return {
        "/": fleet_page.page,
        "/stream": live.fleet,
        run: run_page.page,
        f"{run}/stream": live.run,
        f"{run}/log": files_page.log,
        f"{run}/files": files_page.page,
        f"{run}/files/<file>": files_page.text,
        f"{run}/diff": files_page.diff,
    }


def _prepare_templates(app: Flask, console: Console) -> None:
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        asset=_asset, console=console, version=__version__, now=console.clock, external=links.external
    )
    filters = {
        "cut": foreign_text.cut,
        "markdown": foreign_text.markdown,
        "plain": clean,
        "dollars": formatting.dollars,
        "rfc3339": rfc3339,
    }
    app.jinja_env.filters.update(filters)


def _asset(name: str) -> str:
    """Return the address of a file in static/, which changes with its content."""
    return url_for("static", filename=name, v=_digest(name))


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((ROOT / "static" / name).read_bytes()).hexdigest()[:12]


def _check(console: Console) -> None:
    console.access.check(Visit(request.method, {name.lower(): value for name, value in request.headers.items()}))


def _add_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    return response
