"""A delivery of GitHub of typical size."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from tests.benchmarks.deployed import Post

SECRET = "of the benchmark"
ENVIRON: Mapping[str, str] = {"ORCHESTRATOR_GITHUB__WEBHOOK_SECRETS": json.dumps([SECRET])}
"""Environment of a function that accepts the delivery."""
ALONE: Mapping[str, str] = {
    **ENVIRON,
    "ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent",
    "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent",
}
"""Environment of the webhook, without its queue."""


def delivery() -> Post:
    """Return a signed comment of about 10 KB, most of which the rules do not need."""
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
