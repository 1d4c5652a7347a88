"""Recognises branches and pull requests of runs. Pure."""

import re

from functions.github.webhook.event import PullRequest

_MERGE_QUEUE = re.compile(r"gh-readonly-queue/.+/pr-([0-9]{1,10})-[0-9a-f]{40}", re.ASCII)
"""The branch on which GitHub tests a pull request that waits to be merged (GitHub: Managing a merge queue)."""

_RUN_BRANCH = re.compile(r"agents/([a-z0-9][a-z0-9-]*)-[0-9a-f]{5}", re.ASCII)
"""As made by `branch` in runs/model/naming.py."""


def run_name(branch: str) -> str | None:
    """Return the name of the run that the branch may belong to; None if it cannot be a run's.

    Anyone with write access can create such a branch: compare it with the run's own branch before trusting it.
    """
    match = _RUN_BRANCH.fullmatch(branch)
    return match[1] if match else None


def queued_pull_request(branch: str) -> int:
    """Return the number of the pull request that a branch of the merge queue tests; 0 if it is not such a branch."""
    match = _MERGE_QUEUE.fullmatch(branch)
    return int(match[1]) if match else 0


def is_from_run(pull_request: PullRequest) -> bool:
    """Return whether the pull request may be a run's. One from a fork is not, whatever its branch is called."""
    return not pull_request.fork and run_name(pull_request.head) is not None
