"""Logs of GitHub Actions: a redirect to another host, where the URL alone authorizes a read for a minute.

(REST API: Download job logs for a workflow run. "Gets a redirect URL to download a plain text file of logs for a
workflow job. This link expires after 1 minute.")
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.support.github.calls import Call, Reply, refuse, route
from tests.support.github.content import Repository

if TYPE_CHECKING:
    from tests.support.github.server import Github


@route("GET", "/repos/{repository}/actions/jobs/{number}/logs", "actions")
def job_logs(github: "Github", call: Call, repository: Repository, number: str) -> Any:
    if int(number) not in repository.job_logs:
        raise refuse(404, "Not Found")
    port = urlsplit(github.place.url).port
    where = f"http://localhost:{port}/stored-logs/{repository.id}/{number}?sig=secret"
    return Reply(302, None, {"Location": where})
