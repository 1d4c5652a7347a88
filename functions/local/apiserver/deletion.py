"""DELETE: preconditions, grace periods, finalizers and propagation to dependents."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, cast

from starlette.datastructures import QueryParams

from functions.local.apiserver import field_types, metadata, status_errors
from functions.local.apiserver.errors import (
    Obj,
    StatusError,
    bad_request,
    details,
    invalid_options,
    unsupported,
)
from functions.local.apiserver.kind_rules import Propagation, drop_nulls
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.request_body import json_problem
from functions.local.apiserver.requests import WriteOptions, number
from functions.local.apiserver.store import Key, Store
from functions.local.apiserver.validation import compile_schema, misfit
from functions.local.apiserver.writer import Written

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"  # the finalizers that the garbage collector processes
FINALIZERS: dict[Propagation, str] = {"Foreground": FOREGROUND, "Orphan": ORPHAN}
OPTIONS = "DeleteOptions"
SHAPE = compile_schema(field_types.DELETE_OPTIONS)


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """The options of a DELETE request."""

    propagation: Propagation | None = None
    grace_seconds: int | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False

    @classmethod
    def parse(cls, raw: bytes, query: QueryParams) -> Self:
        """Return the options in the body, or in the query if there is no body.

        Raises:
            StatusError: 400 or 422.
        """
        body = _options_body(raw)
        query = QueryParams() if raw.strip() else query
        preconditions = body.get("preconditions", {})
        grace, dry_run = body.get("gracePeriodSeconds"), body.get("dryRun")
        if dry_run and dry_run != ["All"]:
            raise invalid_options(OPTIONS, unsupported("dryRun", dry_run, ["All"]))
        return cls(
            _propagation(body, query),
            number(query, "gracePeriodSeconds") if grace is None else grace,
            preconditions.get("uid"),
            preconditions.get("resourceVersion"),
            WriteOptions.parse(query, OPTIONS).dry_run or bool(dry_run),
        )


def _options_body(raw: bytes) -> Obj:
    try:
        body: Any = json.loads(raw) if raw.strip() else {}
    except ValueError as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {json_problem(error)}") from None
    drop_nulls(body)
    problem = misfit(SHAPE, body)
    if problem or body.get("kind", OPTIONS) != OPTIONS:
        raise bad_request(f"the body of a delete request must be {OPTIONS}" + (f": {problem}" if problem else ""))
    return cast(Obj, body)


def _propagation(body: Obj, query: QueryParams) -> Propagation | None:
    policy = body.get("propagationPolicy") or query.get("propagationPolicy")
    if policy is not None and policy not in ("Foreground", "Background", "Orphan"):
        allowed = ["Foreground", "Background", "Orphan", "nil"]
        raise invalid_options(OPTIONS, unsupported("propagationPolicy", policy, allowed))
    return cast(Propagation | None, policy)


class Deleter:
    """Deletes objects; `now` returns the current time."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def delete(self, kind: Kind, key: Key, options: DeleteOptions) -> Written:
        """Delete one object.

        Return the object while it waits for finalizers or its grace period, otherwise a Status.

        Raises:
            StatusError: 404, or 409 (preconditions).
        """
        text = self._store.get(key)
        if text is None:
            raise status_errors.not_found(kind, key.name)
        obj: Obj = json.loads(text)
        _check_preconditions(kind, obj["metadata"], options)
        if kind.resource == "namespaces":
            return Written(200, self._terminate_namespace(key, obj, options))
        if not self._mark(kind, obj, options):
            return self._remove(kind, key, obj, options)
        if options.dry_run or obj == json.loads(text):
            return Written(200, json.dumps(obj))
        return Written(200, self._store.put(key, obj))

    def _mark(self, kind: Kind, obj: Obj, options: DeleteOptions) -> bool:
        """Mark the object for deletion; return False if it can be removed immediately."""
        meta = obj["metadata"]
        finalizers = _finalizers(kind, meta, options)
        grace = kind.rules.grace_seconds(obj, options.grace_seconds)
        if "deletionTimestamp" in meta:
            grace = min(grace, meta.get("deletionGracePeriodSeconds", 0))
        must_wait = bool(finalizers) or grace > 0
        if finalizers:
            meta["finalizers"] = finalizers
        else:
            meta.pop("finalizers", None)
        newly_marked = "deletionTimestamp" not in meta and (must_wait or kind.rules.graceful)
        if newly_marked or grace < meta.get("deletionGracePeriodSeconds", 0):
            metadata.mark_deleted(meta, self._now(), grace)
        return must_wait

    def _remove(self, kind: Kind, key: Key, obj: Obj, options: DeleteOptions) -> Written:
        if kind.rules.graceful:
            return Written(200, self._marked_and_removed(key, obj, options))
        if not options.dry_run:
            self._store.delete(key, json.loads(self._store.get(key) or "{}"))  # watchers get the stored version
        about = status_errors.about(kind, key.name) | {"uid": obj["metadata"]["uid"]}
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": about}
        return Written(200, json.dumps(status))

    def _marked_and_removed(self, key: Key, obj: Obj, options: DeleteOptions) -> str:
        """Write the deletion mark before removing the object, so that watchers get both events."""
        if options.dry_run:
            return json.dumps(obj)
        marked = self._store.put(key, obj)
        self._store.delete(key, obj)
        return marked

    def _terminate_namespace(self, key: Key, obj: Obj, options: DeleteOptions) -> str:
        if key.name in PROTECTED:
            message = f'namespaces "{key.name}" is forbidden: this namespace may not be deleted'
            raise StatusError(403, message, details=details(key.name, "", "namespaces"))
        if "deletionTimestamp" in obj["metadata"]:
            return json.dumps(obj)
        obj["metadata"]["deletionTimestamp"] = metadata.timestamp(self._now())
        obj["status"] = {"phase": "Terminating"}
        return json.dumps(obj) if options.dry_run else self._store.put(key, obj)


PROTECTED = ("default", "kube-system", "kube-public")


def _finalizers(kind: Kind, meta: Obj, options: DeleteOptions) -> list[str]:
    """Return the object's finalizers plus the garbage collector's finalizer for the requested propagation."""
    present = meta.get("finalizers", [])
    if options.propagation is None and ({FOREGROUND, ORPHAN} & set(present)):
        return list(present)
    requested = FINALIZERS.get(options.propagation or kind.rules.default_propagation)
    kept = [item for item in present if item not in (FOREGROUND, ORPHAN)]
    return kept + ([requested] if requested else [])


def _check_preconditions(kind: Kind, meta: Obj, options: DeleteOptions) -> None:
    checks = (
        ("UID", options.uid, meta["uid"], "deleted and then recreated"),
        ("ResourceVersion", options.resource_version, meta["resourceVersion"], "modified"),
    )
    for word, expected, present, change in checks:
        if expected is not None and expected != present:
            qualified = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
            raise StatusError(
                409,
                f'Operation cannot be fulfilled on {qualified} "{meta["name"]}": the {word} in the precondition '
                f"({expected}) does not match the {word} in record ({present}). "
                f"The object might have been {change}",
                details=details(meta["name"], kind.group, kind.kind),
            )
