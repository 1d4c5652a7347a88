"""A pull request to open, without what the functions know of runs: the broker opens pull requests too."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PullRequestDraft:
    """The pull request to open, from the branch `head` to `base`."""

    repository: str
    head: str
    base: str
    title: str
    body: str
