"""The console needs exactly the rights of infra/kubernetes/components/console."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import urllib3
import yaml

from functions.cluster.client import Cluster
from functions.cluster.transport import Request
from tests.console.conftest import SECONDS
from tests.console.population import working_day
from tests.console.refusing import transport, without_rights
from tests.console.test_foreign_requests import ReadOnly
from tests.console.world import World
from tests.support.forwarding import ForwardingTransport
from tests.support.installed import KUBERNETES, Right, rights

(ROLE, _) = yaml.safe_load_all((KUBERNETES / "components" / "console" / "console.yaml").read_text())


@dataclass
class Recorder(ForwardingTransport):
    """A transport that records the right each request needs."""

    rights: set[Right] = field(default_factory=set)

    def send(self, request: Request) -> Any:
        self.rights.add(right(request))
        return self.inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        self.rights.add(right(request))
        return self.inner.stream(request)


def right(request: Request) -> Right:
    """Return the right of a request (Kubernetes: Authorization, Request verbs)."""
    root, _, rest = request.path.strip("/").partition("/namespaces/")
    group = root.split("/")[1] if root.startswith("apis/") else ""
    _, kind, *name = rest.split("/")
    assert request.method == "GET"
    verb = "watch" if "watch" in request.query else "get" if name else "list"
    return verb, group, "/".join([kind, *name[1:]])


def test_the_pages_use_exactly_the_rights_of_the_role(world: World) -> None:
    working_day(world)
    recorder = Recorder(transport(world.cluster))
    url = world.console(cluster=Cluster(recorder), access=ReadOnly())
    for path in ("/", "/runs/code/inventory-7", "/runs/docs/docs-25", "/runs/code/inventory-7/files"):
        assert urllib3.request("GET", f"{url}{path}", retries=False).status == 200
    with urllib3.request("GET", f"{url}/stream", preload_content=False, retries=False, timeout=SECONDS) as stream:
        lines = iter(stream)
        assert next(lines) == b"retry: 1000\n"
        for name, kind in (("new", "CodeRun"), ("new", "DocsRun")):
            world.put(name, kind)
            assert any(b"changed" in line for line in lines)
    assert recorder.rights == set(rights(ROLE))


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        ("/events", "Kubernetes Events are not shown"),
        ("/pods?", "output is not shown"),
        ("/log", "output is not shown"),
    ],
)
def test_a_page_without_a_right_shows_the_rest(world: World, resource: str, says: str) -> None:
    working_day(world)
    few = without_rights(world.cluster, resource.rstrip("?"))
    page = urllib3.request("GET", f"{world.console(cluster=few)}/runs/code/inventory-7", retries=False)
    assert (page.status, says.encode() in page.data, b"Task 7: Take items out of the stock" in page.data) == (
        200,
        True,
        True,
    )
