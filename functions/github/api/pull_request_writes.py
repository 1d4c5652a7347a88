"""Idempotent writes of a run's pull request, which is found again by its branch.

GitHub allows one open pull request per branch.
"""

import logging
from dataclasses import replace
from typing import Any

from functions.github.api import responses
from functions.github.api.errors import GithubError, Rejected
from functions.github.api.repository_calls import RepositoryCalls
from functions.github.json_fields import dig_text
from functions.github.reports.pull_request_draft import PullRequestDraft

log = logging.getLogger("orchestrator")


def ensure_pull_request(calls: RepositoryCalls, draft: PullRequestDraft) -> str:
    """Return the URL of the branch's open pull request; open one if there is none. Raises GithubError."""
    return _url(_ensure(calls, draft))


def upsert_pull_request(calls: RepositoryCalls, draft: PullRequestDraft, mark: str) -> str:
    """Return the URL of the branch's open pull request; open one if there is none. Raises GithubError.

    One whose text contains `mark` gets the draft's text. If GitHub refuses that, it is open all the same.
    """
    existing = _ensure(calls, draft)
    text = {"title": draft.title, "body": draft.body}
    if mark in dig_text(existing, "body") and any(dig_text(existing, name) != words for name, words in text.items()):
        try:
            calls.patch(f"pulls/{responses.number(existing, 'GET pulls', 'number')}", text)
        except GithubError as error:
            log.warning("the text of %s was not updated: %s", _url(existing), error)
    return _url(existing)


def _url(pull_request: Any) -> str:
    return responses.text(pull_request, "GET pulls", "html_url")


def _ensure(calls: RepositoryCalls, draft: PullRequestDraft) -> Any:
    existing = _open_pull_request(calls, draft)
    if existing is not None:
        return existing
    body = {"title": draft.title, "body": draft.body, "head": draft.head, "base": draft.base}
    try:
        return calls.post("pulls", body)
    except Rejected:  # another process opened it meanwhile, or the repository has another owner
        name = responses.text(calls.get(""), "GET the repository", "full_name")
        existing = _open_pull_request(calls, replace(draft, repository=name))
        if existing is None:
            raise
        return existing


def _open_pull_request(calls: RepositoryCalls, draft: PullRequestDraft) -> Any:
    owner = draft.repository.partition("/")[0]
    return next(calls.pages("pulls", state="open", head=f"{owner}:{draft.head}", base=draft.base), None)
