"""The least that a function can be: functions-framework alone."""

from typing import Any

import functions_framework


@functions_framework.http
def empty(request: Any) -> str:
    """Read the body and answer."""
    request.get_data()
    return "ok"
