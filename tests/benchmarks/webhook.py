"""Deliveries of GitHub per second through `github_webhook`, one worker, sixteen connections.

Against an empty function that reads the same body. What the webhook publishes goes to a sink that answers at once.
"""

import hashlib
import hmac
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks import sink
from tests.benchmarks.deployed import Post, Release
from tests.benchmarks.load import Load, send
from tests.benchmarks.rows import Aim, Row, percentile

DELIVERIES = 3_000
CONNECTIONS = 16
SECRET = "of the benchmark"


def rows() -> Iterator[Row]:
    """Rate and 99th percentile."""
    with tempfile.TemporaryDirectory() as name, sink.running() as queue:
        release = Release(Path(name))
        environ = {
            "ORCHESTRATOR_QUEUES__URL": queue,
            "ORCHESTRATOR_GITHUB__WEBHOOK_SECRETS": json.dumps([SECRET]),
            "ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent",
        }
        empty, webhook = _load(release, "empty", {}), _load(release, "github_webhook", environ)
        yield Row(
            f"webhook, {CONNECTIONS} connections",
            webhook.rate,
            "deliveries/s",
            empty.rate,
            "empty function",
            Aim(0.5, at_most=False),
        )
        slowest, fastest = (percentile(each.seconds, 0.99) * 1e3 for each in (webhook, empty))
        yield Row(f"webhook, {CONNECTIONS} connections, p99", slowest, "ms", fastest, "empty function")


def delivery() -> Post:
    """A signed comment of some 10 KB, most of which the rules do not need."""
    body = json.dumps(_payload()).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "content-type": "application/json",
        "x-github-event": "issue_comment",
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x-hub-signature-256": f"sha256={signature}",
    }
    return Post(body, headers, 200)


def _payload() -> Mapping[str, Any]:
    person = {
        "login": "octocat",
        "id": 1,
        "type": "User",
        **{f"{each}_url": "https://u.example" for each in range(16)},
    }
    links = {f"{each}_url": "https://api.github.example/repos/acme/shop{/sha}" for each in range(40)}
    repository = {"id": 7, "full_name": "acme/shop", "default_branch": "main", "owner": person, **links}
    issue = {"number": 3, "title": "A title", "user": person, "labels": [], "body": "x" * 2_000, **links}
    comment = {"id": 99, "body": "/code 3 service=api", "user": person, "author_association": "OWNER"}
    about = {"issue": issue, "comment": comment, "repository": repository, "sender": person}
    return {"action": "created", "installation": {"id": 5}, **about}


def _load(release: Release, target: str, environ: Mapping[str, str]) -> Load:
    post = delivery()
    with release.serving(target, environ) as served:
        served.until_answered(post)
        send(served.port, [post], 200, CONNECTIONS)
        found = send(served.port, [post], DELIVERIES, CONNECTIONS)
    assert set(found.codes) == {200}, found.codes
    return found
