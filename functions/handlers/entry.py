"""From an entry point to its handler, with the services of the process.

The settings are read when the process starts, so that a bad one stops it there; a handler is imported when its
function is first called, so that a process loads only what its own function needs.
"""

import logging
import os
import sys
from functools import cache, partial
from typing import Any

from functions.handlers import logs
from functions.handlers.http import serve
from functions.handlers.services import Services, connect
from functions.settings import Settings, SettingsError, load


def _start() -> Settings:
    logs.configure(sys.stderr)
    try:
        return load(os.environ)
    except SettingsError as error:
        logging.getLogger("orchestrator").error("cannot start: %s", error)
        raise SystemExit(1) from None


SETTINGS = _start()


@cache
def _services() -> Services:
    return connect(SETTINGS)


def submit(kind: str, request: Any) -> Any:
    """Answers for `submit_docs` and `submit_code`."""
    from functions.handlers import submit

    return serve(partial(submit.handle, _services(), kind), request)


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
