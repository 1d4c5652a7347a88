"""Sample objects, and a namespace for them on a server."""

from dataclasses import dataclass
from typing import Any

from tests.contract.apiserver.client import Answer, Obj, Server

PATHS = {
    "samples": "/apis/contract.agents.platform/v1",
    "jobs": "/apis/batch/v1",
    "coderuns": "/apis/agents.platform/v1",
    "docsruns": "/apis/agents.platform/v1",
}
SPEC: Obj = {"task": 1, "url": "https://x/y", "app": "a"}


@dataclass(frozen=True)
class Namespace:
    """A namespace on a server."""

    server: Server
    name: str

    def path(self, plural: str = "samples", name: str = "", subresource: str = "") -> str:
        base = f"{PATHS.get(plural, '/api/v1')}/namespaces/{self.name}"
        return "/".join(part for part in (base, plural, name, subresource) if part)

    def create(self, body: Obj, plural: str = "samples") -> Obj:
        """Create a valid object and return it."""
        answer = self.server.post(self.path(plural), body)
        assert answer.code == 201, answer.text
        return answer.body

    def get(self, name: str, plural: str = "samples") -> Obj:
        answer = self.server.get(self.path(plural, name))
        assert answer.code == 200, answer.text
        return answer.body

    def gone(self, name: str, plural: str = "samples") -> bool:
        return self.server.get(self.path(plural, name)).code == 404


def sample(name: str = "a", *, meta: Obj | None = None, **spec: Any) -> Obj:
    """Return a valid Sample; a spec field given as None is left out."""
    merged = {key: value for key, value in {**SPEC, **spec}.items() if value is not None}
    return {
        "apiVersion": "contract.agents.platform/v1",
        "kind": "Sample",
        "metadata": {"name": name, **(meta or {})},
        "spec": merged,
    }


def config_map(name: str = "a", *, meta: Obj | None = None, **fields: Any) -> Obj:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **(meta or {})}, **fields}


def job(name: str = "a", **spec: Any) -> Obj:
    pod = {"containers": [{"name": "c", "image": "x"}], "restartPolicy": "Never"}
    body = {"template": {"spec": pod}, **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": body}


def pod(name: str = "a", *, meta: Obj | None = None, **spec: Any) -> Obj:
    body = {"containers": [{"name": "c", "image": "x"}], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **(meta or {})}, "spec": body}


def owned_by(owner: Obj, **more: Any) -> Obj:
    """Return the metadata of a dependent of `owner`."""
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], **more}
    reference |= {"name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
    return {"ownerReferences": [reference]}


def refused(answer: Answer, code: int, reason: str, message: str) -> None:
    """Assert that the answer is a Status with this code, reason and message."""
    assert (answer.code, answer.reason, answer.message) == (code, reason, message)
    assert (answer.body["kind"], answer.body["status"], answer.body["code"]) == ("Status", "Failure", code)
