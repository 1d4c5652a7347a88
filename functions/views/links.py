"""Links to the Git host, from URLs that come from specs and statuses. A URL that is not http or https gives no link."""

import re
from urllib.parse import quote, urlsplit

from functions.runs.model.run import Run

_REPOSITORY = re.compile(
    r"(?:https://|ssh://git@|git@)(?P<host>[A-Za-z0-9.-]+)(?::\d+)?[:/](?P<path>[\w./-]+?)(?:\.git)?/?"
)


def external(url: str | None) -> str:
    """Return the URL if a browser may be led to it; empty otherwise."""
    try:
        parts = urlsplit(url or "")
        return url or "" if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def repository(url: str) -> str:
    """Return the web page of a repository, by any of its URLs; empty for a host that is reserved for examples."""
    match = _REPOSITORY.fullmatch(url)
    if not match or match["host"].endswith((".invalid", ".example")):
        return ""
    return f"https://{match['host']}/{match['path']}"


def short_name(url: str) -> str:
    """Return the last two parts of a repository's URL, such as `acme/shop`; the URL if it has no parts."""
    match = _REPOSITORY.fullmatch(url)
    return "/".join(match["path"].strip("/").split("/")[-2:]) if match else url


def compare(run: Run) -> str:
    """Return the page that compares the run's branch with its base; empty if there is none."""
    page = _page(run)
    if not page or run.spec is None:
        return ""
    return f"{page}/compare/{quote(run.spec.base_branch)}...{quote(run.status.branch or '')}"


def checks(run: Run) -> str:
    """Return the page with the checks of the run's pull request; empty if it has none."""
    url = external(run.status.pull_request_url)
    return f"{url.rstrip('/')}/checks" if re.search(r"/pull/\d+/?$", url) else ""


def _page(run: Run) -> str:
    """Return the page of the run's repository, if the run has a branch there."""
    return repository(run.spec.repository_url) if run.spec and run.status.branch else ""
