"""Keeps an error with one run from stopping a pass over many."""

import logging
from collections.abc import Callable

from functions.cluster.errors import ClusterError, NotFound, loggable
from functions.github.api.errors import GithubError
from functions.queues.publisher import PublishError
from functions.telemetry import context

log = logging.getLogger("orchestrator")


def isolate_errors(key: str, step: Callable[[], None]) -> bool:
    """Run a step for the run `key` (namespace/name); log any error and return whether there was none.

    A run that was deleted meanwhile is no error.
    """
    with context.scope():
        context.bind(run=key)
        return _succeeds(step)


def _succeeds(step: Callable[[], None]) -> bool:
    try:
        step()
    except NotFound:
        log.info("the run was deleted")
    except (ClusterError, PublishError, GithubError) as error:  # the next sweep tries again
        log.warning("could not be driven: %s", loggable(error))
        return False
    except Exception:  # a defect that this run shows must not stop the others
        log.exception("unexpected error")
        return False
    return True
