"""Discovery documents for kubectl and client libraries: groups, versions and resources."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from functions.local.apiserver import openapi
from functions.local.apiserver.errors import Obj
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.registry import Registry

VERSION = {
    "major": "1",
    "minor": "32",
    "gitVersion": "v1.32.0+orchestrator",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "python",
    "platform": "any",
}


class Discovery:
    """Serves the discovery documents, which do not change while the server runs."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def routes(self) -> list[Route]:
        """Return a route for each document."""
        return [Route(path, _constant(document)) for path, document in self.documents().items()]

    def documents(self) -> dict[str, Obj]:
        """Return every document by its path."""
        named = {group: versions for group, versions in self._registry.groups().items() if group}
        groups = {group: _group(group, versions) for group, versions in named.items()}
        documents: dict[str, Obj] = {
            "/version": VERSION,
            "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": list(groups.values())},
            "/openapi/v3": openapi.index(self._paths()),
        }
        documents |= {
            f"/apis/{group}": {"kind": "APIGroup", "apiVersion": "v1", **entry} for group, entry in groups.items()
        }
        for path, kinds in self._paths().items():
            documents[path] = _resource_list(kinds)
            documents[f"/openapi/v3{path}"] = openapi.document(kinds)
        return documents

    def _paths(self) -> dict[str, list[Kind]]:
        """Return the kinds of each group and version, by its path."""
        paths: dict[str, list[Kind]] = {}
        for kind in self._registry.kinds:
            paths.setdefault(base_path(kind), []).append(kind)
        return paths


def base_path(kind: Kind) -> str:
    """Return the path below which the resources of a kind's group and version are served."""
    return f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"


def _constant(document: Obj) -> Callable[[Request], Response]:
    def respond(_: Request) -> Response:
        return JSONResponse(document)

    return respond


def _group(group: str, versions: list[str]) -> Obj:
    described = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": described, "preferredVersion": described[0]}


def _resource_list(kinds: list[Kind]) -> Obj:
    resources = [resource for kind in kinds for resource in _resources(kind)]
    version = kinds[0].api_version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}


def _resources(kind: Kind) -> list[Obj]:
    whole: Obj = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        whole["shortNames"] = list(kind.short_names)
    if kind.categories:
        whole["categories"] = list(kind.categories)
    part: Obj = {"singularName": "", "namespaced": kind.namespaced, "kind": kind.kind}
    status: Obj = {"name": f"{kind.plural}/status", **part, "verbs": ["get", "patch", "update"]}
    log: Obj = {"name": f"{kind.plural}/log", **part, "verbs": ["get"]}
    return [whole, *([status] if kind.has_status else []), *([log] if kind.resource == "pods" else [])]
