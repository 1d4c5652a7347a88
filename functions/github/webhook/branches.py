"""Which branches and pull requests are those of a run. Pure."""

import re

from functions.github.webhook.event import Pull

_OURS = re.compile(r"agents/([a-z0-9][a-z0-9-]*)-[0-9a-f]{5}", re.ASCII)
"""As in runs/model/naming.py, `branch`."""


def run_name(branch: str) -> str | None:
    """The name of the run whose branch it may be; None for one that is no run's.

    Anybody with write access can make a branch of that name: whether it is the run's is for the run to say.
    """
    found = _OURS.fullmatch(branch)
    return found[1] if found else None


def is_ours(pull: Pull) -> bool:
    """Whether the pull request may be a run's: a fork may have a branch of the same name, which is not ours."""
    return not pull.fork and run_name(pull.head) is not None
