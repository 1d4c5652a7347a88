"""Error pages: what went wrong, and what to do."""

import logging
from dataclasses import dataclass

from flask import Response, make_response, render_template
from werkzeug.exceptions import HTTPException

from functions.cluster import errors
from functions.console.refused import Refused

log = logging.getLogger("orchestrator")


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as the page shows it."""

    code: int
    title: str
    message: str
    remedy: str = ""


def page(error: Exception) -> Response:
    """Return the page of an error."""
    problem = _problem(error)
    if problem.code >= 500:
        log.warning("the console answers %d: %s", problem.code, error)
    return make_response(render_template("error.html", problem=problem), problem.code)


def _problem(error: Exception) -> Problem:
    match error:
        case Refused(code=404):
            return Problem(404, "Not found", str(error), "See all runs for what there is.")
        case Refused():
            return Problem(error.code, "Not accepted", str(error))
        case errors.WebhookDown():
            return Problem(503, "A webhook does not answer", str(error), "Try again, or ask who runs the webhook.")
        case errors.WebhookRefused():
            return Problem(403, "A webhook refuses it", str(error), "Ask who runs the webhook.")
        case errors.Forbidden():
            remedy = "Ask for the Role orchestrator-people in this namespace (infra/kubernetes/components/people)."
            return Problem(403, "You may not see this", str(error), remedy)
        case errors.KindNotServed():
            return Problem(503, "The cluster does not know runs", str(error), "Install the CRDs: kubectl apply -k crds")
        case errors.NotFound():
            return Problem(404, "Not found", str(error))
        case errors.ClusterError():
            return Problem(503, "The cluster does not answer", str(error), "Reload the page once it is reachable.")
        case HTTPException():
            return Problem(error.code or 500, error.name, error.description or "")
    raise error
