"""Helpers: answers of the webhook, and a sweep over failed deliveries."""

from typing import Any

from functions.cluster.kinds import CONFIG_MAP
from functions.github.webhook.redelivery import RedeliveryState, load
from functions.handlers import sweep
from functions.manifests.config_map import REDELIVERY_STATE
from functions.serving.http import Request, answer
from tests.support.api import Harness
from tests.support.github import Github, payloads
from tests.support.github.content import Object, Repository

LIST = "GET /app/hook/deliveries$"
REQUEST = "POST /app/hook/deliveries/.*/attempts"
"""The calls to GitHub that list deliveries and that request a redelivery."""


def comment(shop: Repository, text: str = "/status") -> Object:
    """Return the payload of a comment on a new issue."""
    number = shop.open_issue()["number"]
    return payloads.issue_comment(shop, number, shop.comment(number, text))


def break_webhook(github: Github, code: int = 503) -> None:
    """Have the webhook answer with `code` from now on; 0 is no answer."""
    github.hook.send = lambda *_: code


def repair_webhook(github: Github) -> list[str]:
    """Have the webhook accept everything from now on; return the list of the guids that arrive."""
    arrived: list[str] = []

    def send(headers: Any, body: bytes) -> int:
        arrived.append(headers["X-GitHub-Delivery"])
        return 200

    github.hook.send = send
    return arrived


def swept(world: Harness) -> dict[str, Any]:
    """Run a sweep and return the counts of its answer."""
    got = answer(lambda request: sweep.handle(world.services, request), Request({}, b"{}"))
    assert got.code == 200, got.body
    body = got.body or {}
    data: dict[str, Any] = body["data"]
    return data


def saved_state(world: Harness) -> RedeliveryState:
    """Return the state that the sweep saved for the next one."""
    return load(REDELIVERY_STATE.text(world.kubelet.get(CONFIG_MAP, world.namespace, REDELIVERY_STATE.name)))
