"""Accepts a request for a run: creates it once, or finds the run of an earlier request.

With a key, the run's name is derived from the key, so that the API server allows one run only: a repeated request
finds it and gets the same answer. Without a key, an unfinished code run of the same task, service and agent refuses
the request.

A key says that two requests are the same. It does not say that a person wants a second run beside an unfinished one.
A client that makes keys only to repeat its own request asks for both, with the header `If-Unfinished: refuse`.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.cluster.errors import AlreadyExists
from functions.manifests import run as manifest
from functions.manifests.tombstone import REQUEST
from functions.runs import installation_rules
from functions.runs.model import naming, origin, trace
from functions.runs.model.api_model import wire
from functions.runs.model.origin import Origin
from functions.runs.model.run import Run
from functions.runs.model.run_spec import RunSpec
from functions.runs.repository_hosts import forbidden_repositories
from functions.serving import authentication
from functions.serving.authentication import Caller
from functions.serving.dependencies import Dependencies
from functions.serving.http import Answer, Refused
from functions.settings.model import Settings
from functions.submission import task_claims
from functions.telemetry import context

log = logging.getLogger("orchestrator")

OR_WITH_KEY = ", or send an Idempotency-Key"
"""The alternative for a caller without a key if a run has the task."""


@dataclass(frozen=True, slots=True)
class Key:
    """Identifies a request, so that a repeated one is recognized; `field` is its source, for error texts."""

    field: str
    text: str
    exclusive: bool = False
    """Whether a code run is wanted only if no other unfinished run has its task (If-Unfinished)."""


def accept(deps: Dependencies, caller: Caller, spec: RunSpec, key: Key | None, source: Origin | None = None) -> Answer:
    """Answer 201 with the run created for `caller`, or 200 with the run of an earlier request with the same key.

    A run with a key records where on GitHub it was requested (`source`).

    Raises:
        Refused: the spec is not acceptable or not for this caller; the key was used for another request; or, without
            a key or with an exclusive one, an unfinished run has the task. Nothing was created.
        ClusterError: it is not known whether the run was created; the same request with a key may be sent again.
    """
    authentication.authorize(deps.settings, caller, spec)
    for refusal, problems in _refusals(deps.settings, spec):
        if wrong := list(problems):
            raise Refused(400, refusal, wrong)
    if key is None:
        return _create_without_key(deps, spec)
    name = naming.run_name("\n".join((caller.scope, deps.settings.namespace, spec.kind, key.text)))
    return _create_once(deps, spec, name, key, source)


def _refusals(settings: Settings, spec: RunSpec) -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
    """Yield the rules of this installation: what a refusal says, and the fields with what is wrong with each."""
    yield "a secret may not be used", installation_rules.forbidden_secrets(spec, settings.secrets.allowed)
    yield "a repository may not be used", () if settings.auth.one_machine else forbidden_repositories(spec)
    yield "the agent CLI is not known", _unknown_agent_cli(settings.templates, spec)
    tools = settings.tools
    yield "a tool is not configured", installation_rules.unavailable_tools(spec, tools.server_url, tools.local_servers)
    yield "more resources than a run may have", installation_rules.out_of_bounds(spec, settings.job.bounds)


def _unknown_agent_cli(templates: Path, spec: RunSpec) -> Iterator[tuple[str, str]]:
    """Yield an agent CLI without templates; where there are none at all, rendering says so."""
    known = sorted({path.parent.name for path in templates.glob(f"*/{spec.kind.word}") if path.is_dir()})
    if known and spec.agent_cli not in known:
        yield "agentCli", f"there are no templates for {spec.agent_cli}; there are {', '.join(known)}"


def _create_once(deps: Dependencies, spec: RunSpec, name: str, key: Key, source: Origin | None) -> Answer:
    """Create the run of that name, or find it or its tombstone as an earlier request left it."""
    namespace, digest = deps.settings.namespace, _digest(spec)
    stone = deps.config_maps.find(naming.tombstone(spec.kind, name))
    if stone:
        _check_same(stone["data"]["request"], digest, key.field)
        data = {"name": name, "namespace": namespace, "kind": spec.kind.value, "uid": stone["data"]["uid"]}
        return _success(200, "an earlier request created the run; it was deleted since", data | {"phase": "Deleted"})
    annotations = {**(origin.to_annotations(source) if source else {}), **_trace(), REQUEST: digest}
    labels = origin.labels(source.repository_id, source.number) if source else {}
    item = manifest.run(spec, namespace, name, annotations, labels)
    if not (key.exclusive and task_claims.has_task(spec)):
        return _create(deps, item, digest, key.field)
    with task_claims.exclusive(deps, spec, name, task_claims.of_the_same_task(deps, spec)):
        return _create(deps, item, digest, key.field)


def _create(deps: Dependencies, item: dict[str, Any], digest: str, field: str) -> Answer:
    try:
        return _accepted(201, deps.runs.create(item))
    except AlreadyExists:
        run = deps.runs.get(item["kind"], item["metadata"]["namespace"], item["metadata"]["name"])
        _check_same(run.raw["metadata"].get("annotations", {}).get(REQUEST), digest, field)
        return _accepted(200, run)


def _check_same(earlier: str | None, digest: str, field: str) -> None:
    if earlier != digest:
        raise Refused(422, "the key was used for another request", [(field, "belongs to another body")])


def _digest(spec: RunSpec) -> str:
    return hashlib.sha256(json.dumps(wire(spec), sort_keys=True).encode()).hexdigest()


def _create_without_key(deps: Dependencies, spec: RunSpec) -> Answer:
    """Create a new run; a code run only if no unfinished one has the task, service and agent.

    Two such requests at one time see the same earlier runs and derive the same name, so the second finds it taken.
    Requests with an exclusive key derive other names: the claim on the task keeps these and those apart.
    """
    namespace = deps.settings.namespace
    if not task_claims.has_task(spec):
        return _accepted(201, deps.runs.create(manifest.run(spec, namespace, annotations=_trace())))
    others = task_claims.of_the_same_task(deps, spec)
    name = naming.next_name(spec, [raw["metadata"]["uid"] for raw in others])
    try:
        with task_claims.exclusive(deps, spec, name, others, OR_WITH_KEY):
            return _accepted(201, deps.runs.create(manifest.run(spec, namespace, name, _trace())))
    except AlreadyExists:
        raise task_claims.task_taken(spec.kind, name, OR_WITH_KEY) from None


def _trace() -> dict[str, str]:
    """Return the annotation that keeps the run in the trace of its request."""
    return trace.to_annotations(context.span_context())


def _accepted(code: int, run: Run) -> Answer:
    data = {"name": run.name, "namespace": run.namespace, "kind": str(run.kind), "uid": run.uid}
    message = "the run is accepted" if code == 201 else "the run was accepted by an earlier request"
    context.bind(run=run.key, kind=run.kind)
    log.info("%s", message)
    return _success(code, message, data | {"phase": run.status.phase or "Pending"})


def _success(code: int, message: str, data: Mapping[str, Any]) -> Answer:
    return Answer(code, {"success": True, "message": message, "data": data})
