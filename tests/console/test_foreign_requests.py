"""A console on this machine has a person's rights, so it accepts requests of its own pages only."""

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlencode

import pytest
import urllib3

from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError, from_status
from functions.cluster.kinds import CODE_RUN
from functions.cluster.transport import Request
from functions.console.app import HEADERS
from functions.console.context import Visit
from functions.console.local_access import LocalAccess
from tests.console.refusing import Between, transport, without_rights
from tests.console.world import World, ago, attempt, status

OVER = attempt(1, "job-1", ago(minutes=9), ago(minutes=4), "AgentError", "it gave up")
FAILED = status("AgentError", "it gave up", succeeded="False", attempts=[OVER])
TOKEN = "token-of-the-console"


def get(url: str, headers: Mapping[str, str] | None = None) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", url, headers=headers, retries=False)


def post(url: str, token: str = TOKEN, origin: str | None = "", **form: str) -> urllib3.BaseHTTPResponse:
    """Send a form, by default with the console's own Origin."""
    own = "/".join(url.split("/")[:3])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    headers |= {} if origin is None else {"Origin": origin or own}
    body = urlencode({"token": token, **form})
    return urllib3.request("POST", url, body=body, headers=headers, retries=False, redirect=False)


def is_untouched(world: World) -> bool:
    spec = world.cluster.get(CODE_RUN, world.namespace, "api-1")["spec"]
    return spec.get("contextVersion", 1) == 1 and not spec.get("cancel")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.7", "evil.example:80"])
def test_a_request_for_another_host_is_refused(world: World, host: str) -> None:
    answer = get(world.console(), {"Host": host})
    assert (answer.status, b"127.0.0.1" in answer.data) == (403, True)


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:3000", "null", "http://127.0.0.1"])
def test_a_request_of_another_origin_is_refused(world: World, origin: str) -> None:
    world.put("api-1", status=FAILED)
    url = world.console(token=TOKEN)
    assert get(url, {"Origin": origin}).status == 403
    assert post(f"{url}/runs/code/api-1/retry", origin=origin).status == 403
    assert is_untouched(world)


@pytest.mark.parametrize(("token", "origin"), [("", ""), ("another", ""), ("ü", ""), (TOKEN, None)])
def test_a_form_without_the_consoles_token_and_origin_is_refused(world: World, token: str, origin: str | None) -> None:
    world.put("api-1", status=FAILED)
    answer = post(f"{world.console(token=TOKEN)}/runs/code/api-1/retry", token=token, origin=origin)
    assert answer.status == 403
    assert is_untouched(world)


def test_the_consoles_own_form_is_applied_once(world: World) -> None:
    world.put("api-1", status=FAILED)
    url = f"{world.console(token=TOKEN)}/runs/code/api-1"
    answer = post(f"{url}/retry", words="Again")
    assert (answer.status, answer.headers["Location"]) == (303, "/runs/code/api-1?done=retry")
    again = post(f"{url}/retry", words="Again")
    assert (again.status, b"already asked for another attempt" in again.data) == (409, True)


@pytest.mark.parametrize(
    ("action", "form", "says"),
    [
        ("retry", {"replace": "yes"}, b"Write the words"),
        ("retry", {"words": "x" * 40_000}, b"The words: "),
        ("cancel", {}, b"already finished"),
    ],
)
def test_an_inapplicable_form_is_refused_with_the_reason(
    world: World, action: str, form: dict[str, str], says: bytes
) -> None:
    world.put("api-1", status=FAILED)
    answer = post(f"{world.console(token=TOKEN)}/runs/code/api-1/{action}", **form)
    assert answer.status in (409, 422)
    assert says in answer.data
    assert is_untouched(world)


def test_a_get_request_changes_nothing(world: World) -> None:
    world.put("api-1", status=FAILED)
    assert get(f"{world.console(token=TOKEN)}/runs/code/api-1/retry?token={TOKEN}").status == 405
    assert is_untouched(world)


class ReadOnly(LocalAccess):
    may_change: ClassVar[bool] = False

    def check(self, visit: Visit) -> None:
        """Serve every caller."""


def test_a_read_only_console_changes_nothing_and_offers_nothing(world: World) -> None:
    world.put("api-1", status=FAILED)
    url = f"{world.console(token=TOKEN, access=ReadOnly())}/runs/code/api-1"
    assert post(f"{url}/retry").status == 405
    page = get(url).data
    assert b"<form" not in page
    assert b"orchestrator runs retry api-1" in page
    assert TOKEN.encode() not in page


def test_a_retry_without_the_right_to_patch_is_refused(world: World) -> None:
    world.put("api-1", status=FAILED)
    reading = without_rights(world.cluster, method="PATCH")
    answer = post(f"{world.console(token=TOKEN, cluster=reading)}/runs/code/api-1/retry")
    assert (answer.status, b"You may not" in answer.data) == (403, True)
    assert is_untouched(world)


@pytest.mark.parametrize(
    ("code", "words", "answered"),
    [
        (500, 'failed calling webhook "runs.example": connection refused', 503),
        (403, 'admission webhook "runs.example" denied the request: not on Fridays', 403),
    ],
)
def test_a_retry_that_a_webhook_refuses_is_no_missing_right(world: World, code: int, words: str, answered: int) -> None:
    world.put("api-1", status=FAILED)

    def refuse(request: Request) -> ClusterError | None:
        return from_status(code, {"message": words}) if request.method == "PATCH" else None

    refusing = Cluster(Between(transport(world.cluster), error=refuse))
    answer = post(f"{world.console(token=TOKEN, cluster=refusing)}/runs/code/api-1/retry")
    assert (answer.status, b"webhook" in answer.data, b"You may not" in answer.data) == (answered, True, False)


@pytest.mark.parametrize("path", ["/", "/runs/code/api-1", "/nothing", "/assets/console.css", "/runs/code/api-1/log"])
def test_every_answer_has_the_security_headers(world: World, path: str) -> None:
    world.put("api-1")
    answer = get(f"{world.console()}{path}")
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
