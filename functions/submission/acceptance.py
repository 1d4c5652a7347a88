"""The functions `submit_docs` and `submit_code`: a request becomes a run, once, before it is answered.

A request comes over HTTP (the body is the spec) or as a CloudEvent from the queue (its data is the spec). With a key
(the header `Idempotency-Key`, or the event's source and id) the run's name is made from the key, so that the API
server itself sees to it that there is one run: a repeated request finds it and gets the same answer.

A key says that two requests are one; it does not say that a person wants a second run beside an unfinished one. A
client that makes keys only to send its own request again asks for both, with the header `If-Unfinished: refuse`.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from functions.cluster.errors import AlreadyExists
from functions.events.decoding import media_type
from functions.events.event import CODE_REQUESTED, DOCS_REQUESTED, PLAIN_MESSAGE, Event, MalformedError
from functions.events.receive import Received
from functions.manifests import run as requested
from functions.manifests.tombstone import REQUEST
from functions.runs.model import naming, origin, trace
from functions.runs.model.kinds import RunKind
from functions.runs.model.origin import Origin
from functions.runs.model.run import Run, problems
from functions.runs.model.specs import SPECS, AnySpec, wire
from functions.serving import authentication
from functions.serving.authentication import Caller
from functions.serving.dependencies import Dependencies
from functions.serving.http import Answer, Refused, Request
from functions.serving.watch_events import ignored
from functions.submission import task_claims
from functions.telemetry import context

log = logging.getLogger("orchestrator")

LONGEST_KEY = 255
"""Characters of an Idempotency-Key."""

WITH_KEY = ", or send an Idempotency-Key"
"""What else a caller without a key may do where the task's run is at work."""

_REQUESTED = {DOCS_REQUESTED: RunKind.DOCS, CODE_REQUESTED: RunKind.CODE}


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a request the same as an earlier one, and the field it came in."""

    field: str
    text: str
    alone: bool = False
    """Whether a code run is wanted only where no other unfinished one has its task (If-Unfinished)."""


def handle(services: Dependencies, kind: str, request: Request) -> Answer:
    """Answers 201 with the new run, or 200 with the one that an earlier request with the same key made.

    Raises:
        Refused: the caller, the key or the spec is not acceptable; nothing was created.
        ClusterError: whether it was created is not known; the same request with a key may be sent again.
    """
    caller = authentication.authenticate(services.settings.auth, request)
    received = request.received
    if not received.is_event:
        return accept(services, caller, _spec(kind, _body(received)), _key(received))
    event = context.bind_event(received.event())
    if event.type != PLAIN_MESSAGE and _REQUESTED.get(event.type) != kind:
        return ignored(event)
    return accept(services, caller, _spec(kind, event.data), _event_key(event))


def accept(
    services: Dependencies, caller: Caller, spec: AnySpec, key: Key | None, source: Origin | None = None
) -> Answer:
    """Makes the run that `caller` asks for, or finds the one an earlier request made; one with a key keeps `source`.

    Raises:
        Refused: the spec is not acceptable or not for this caller, the key was used for another one, or without a key
            (or with one that is `alone`) an unfinished run has the same task; nothing was created.
        ClusterError: whether it was created is not known; the same request with a key may be sent again.
    """
    settings = services.settings
    authentication.authorize(settings, caller, spec)
    refused = set(spec.env_from_secrets or ()) - set(settings.secrets.allowed)
    if refused:
        why = f"{', '.join(sorted(refused))}: not listed in the setting secrets.allowed"
        raise Refused(400, "a secret may not be used", [("envFromSecrets", why)])
    if key is None:
        return _without_key(services, spec)
    name = naming.run_name("\n".join((caller.scope, settings.namespace, spec.kind, key.text)))
    return _once(services, spec, name, key, source)


def _body(received: Received) -> Any:
    media = media_type(received.headers.get("content-type"))
    if media != "application/json":
        raise Refused(415, "send the spec as application/json", [("content-type", f"is {media or 'missing'}")])
    return received.document()


def _key(received: Received) -> Key | None:
    key = received.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise Refused(400, "bad key", [("Idempotency-Key", f"must have 1 to {LONGEST_KEY} characters")])
    asked = received.headers.get("if-unfinished")
    if asked not in (None, "refuse"):
        raise Refused(400, "bad header", [("If-Unfinished", "must be refuse, or left out")])
    return Key("Idempotency-Key", f"key\n{key}", alone=asked is not None) if key else None


def _event_key(event: Event) -> Key:
    return Key("id", f"event\n{event.source}\n{event.id}")


def _spec(kind: str, body: Any) -> AnySpec:
    """The spec in a request: camelCase or snake_case, not a mixture; unknown fields are refused."""
    if not isinstance(body, Mapping):
        raise MalformedError(("body", "must be a JSON object: the spec of the run"))
    snake = any("_" in str(field) for field in body)
    try:
        return SPECS[kind].model_validate(dict(body), strict=True, extra="forbid", by_alias=not snake, by_name=snake)
    except ValidationError as error:
        raise Refused(400, "the spec is not valid", problems(error)) from None


def _once(services: Dependencies, spec: AnySpec, name: str, key: Key, source: Origin | None) -> Answer:
    """The run of that name: created, or found as an earlier request left it, or as the tombstone tells of it."""
    namespace, digest = services.settings.namespace, _digest(spec)
    stone = services.config_maps.find(naming.tombstone(spec.kind, name))
    if stone:
        _same(stone["data"]["request"], digest, key.field)
        data = {"name": name, "namespace": namespace, "kind": spec.kind, "uid": stone["data"]["uid"]}
        return _success(200, "the run was made by an earlier request and deleted since", data | {"phase": "Deleted"})
    notes = {**(origin.to_annotations(source) if source else {}), **_trace(), REQUEST: digest}
    labels = origin.labels(source.repository_id, source.number) if source else {}
    item = requested.run(spec, namespace, name, notes, labels)
    if not (key.alone and task_claims.has_task(spec)):
        return _create(services, item, digest, key.field)
    with task_claims.exclusive(services, spec, name, task_claims.of_the_same_task(services, spec)):
        return _create(services, item, digest, key.field)


def _create(services: Dependencies, item: dict[str, Any], digest: str, field: str) -> Answer:
    """201 with the run, or 200 where the same request made it before."""
    try:
        return _made(201, services.runs.create(item))
    except AlreadyExists:
        run = services.runs.get(item["kind"], item["metadata"]["namespace"], item["metadata"]["name"])
        _same(run.raw["metadata"].get("annotations", {}).get(REQUEST), digest, field)
        return _made(200, run)


def _same(earlier: str | None, digest: str, field: str) -> None:
    if earlier != digest:
        raise Refused(422, "the key was used for another request", [(field, "belongs to another body")])


def _digest(spec: AnySpec) -> str:
    return hashlib.sha256(json.dumps(wire(spec), sort_keys=True).encode()).hexdigest()


def _without_key(services: Dependencies, spec: AnySpec) -> Answer:
    """A new run; an unfinished code run of the same task, service and agent is taken for the same request.

    Two such requests at once see the same earlier runs, make the same name of them, and one finds it taken. Requests
    with a key that is `alone` make other names: the claim on the task stands between those and these.
    """
    namespace = services.settings.namespace
    if not task_claims.has_task(spec):
        return _made(201, services.runs.create(requested.run(spec, namespace, annotations=_trace())))
    others = task_claims.of_the_same_task(services, spec)
    name = naming.next_name(spec, [raw["metadata"]["uid"] for raw in others])
    try:
        with task_claims.exclusive(services, spec, name, others, WITH_KEY):
            return _made(201, services.runs.create(requested.run(spec, namespace, name, _trace())))
    except AlreadyExists:
        raise task_claims.task_taken(name, WITH_KEY) from None


def _trace() -> dict[str, str]:
    """Return the annotation that keeps the run in the trace of its request."""
    return trace.to_annotations(context.span_context())


def _made(code: int, run: Run) -> Answer:
    data = {"name": run.name, "namespace": run.namespace, "kind": run.kind, "uid": run.uid}
    message = "the run is accepted" if code == 201 else "the run was accepted by an earlier request"
    context.bind(run=run.key, kind=run.kind)
    log.info("%s", message)
    return _success(code, message, data | {"phase": run.status.phase or "Pending"})


def _success(code: int, message: str, data: Mapping[str, Any]) -> Answer:
    return Answer(code, {"success": True, "message": message, "data": data})
