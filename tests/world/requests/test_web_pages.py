"""C10: without tokens, functions refuse requests from web pages in a local browser and from other machines."""

import ast
from typing import Any

import pytest
from flask import Flask, request

from functions import app
from functions.serving.http import ACKNOWLEDGED, Answer, Request
from functions.settings.model import Settings
from tests.support.api import ROOT
from tests.support.builders import settings
from tests.support.github.app import App

MAIN = ast.parse((ROOT / "functions" / "main.py").read_text())
FUNCTIONS = [node.name for node in MAIN.body if isinstance(node, ast.FunctionDef) and node.name != "console"]
"""All but the console, which serves browsers: tests/console/test_foreign_requests.py, test_platform_access.py."""
EACH = pytest.mark.parametrize("target", FUNCTIONS)

FOREIGN = {
    "a web page": {"Host": "127.0.0.1:8901", "Origin": "https://evil.example"},
    "a page of another server here": {"Host": "127.0.0.1:8901", "Origin": "http://localhost:3000"},
    "a page in a sandbox": {"Host": "localhost", "Origin": "null"},
    "a name that leads here": {"Host": "evil.example:8901"},
    "a name that begins like this machine": {"Host": "127.0.0.1.evil.example"},
    "another machine": {"Host": "10.0.0.7"},
}


def configured(**sections: Any) -> Settings:
    """Return settings with which every function starts; their addresses have no listener."""
    key = App().private_key
    github = {"webhook_secrets": ["of a test"], "app_id": 1, "private_key": key}
    return settings(github=github, queues={"url": "http://127.0.0.1:1"}, **sections)


def answer(target: str, headers: dict[str, str], **sections: Any) -> tuple[int, str]:
    function = app.Function(target, configured(**sections))
    with Flask("edge").test_request_context("/", method="POST", data=b"{}", headers=headers):
        body, code, _ = function.serve(request._get_current_object())  # type: ignore[attr-defined]
    return code, body if isinstance(body, str) else next(body).decode()


def test_all_functions_are_tested() -> None:
    assert len(FUNCTIONS) == 8


@EACH
@pytest.mark.parametrize("foreign", FOREIGN)
def test_function_refuses_foreign_origins_and_hosts(target: str, foreign: str) -> None:
    code, body = answer(target, FOREIGN[foreign])
    assert code == 403
    assert "set auth.mode to bearer or iam" in body


@EACH
@pytest.mark.parametrize("host", ["127.0.0.1:8901", "localhost", "[::1]:8080"])
def test_function_serves_requests_of_this_machine(target: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[str] = []

    def handle(_: Any, __: Request) -> Answer:
        served.append(target)
        return ACKNOWLEDGED

    monkeypatch.setattr(app.Function, "dependencies", None)
    monkeypatch.setattr(f"functions.handlers.{target}.handle", handle)
    monkeypatch.setattr(f"functions.handlers.{target}.check_headers", lambda _: None, raising=False)
    code, _ = answer(target, {"Host": host})
    assert (code, served) == (204, [target])


@EACH
def test_host_is_not_checked_with_bearer_tokens(target: str) -> None:
    _, body = answer(target, {"Host": "functions.example"}, auth={"mode": "bearer", "tokens": {"ci": "token-of-ci"}})
    assert "loopback" not in body
