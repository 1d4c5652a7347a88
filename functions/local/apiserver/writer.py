"""Create, update, delete: the order in which the real server checks, changes and answers.

Everything here is synchronous: between reading an object and committing its successor nothing else runs, which
is what makes resourceVersion checks and preconditions hold.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from functions.local.apiserver import metadata
from functions.local.apiserver.bodies import cannot_handle, check_kind
from functions.local.apiserver.errors import (
    Cause,
    Obj,
    StatusError,
    bad_request,
    details,
    invalid,
    invalid_object,
)
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.requests import Target, WriteOptions
from functions.local.apiserver.rules import MisfitError
from functions.local.apiserver.store import Key, Store

STALE = "the object has been modified; please apply your changes to the latest version and try again"
NAMES_TRIED = 8  # of generateName; each has 27^5 possibilities


@dataclass(frozen=True, slots=True)
class Written:
    """The answer to a write: HTTP status, body (JSON text), and what to warn of."""

    code: int
    body: str
    warnings: tuple[str, ...] = ()


class Writer:
    """Writes objects by the rules of their kinds. `now` gives the present time."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def create(self, target: Target, obj: Obj, options: WriteOptions) -> Written:
        """POST. Raises StatusError 400, 403, 404 (namespace), 409 AlreadyExists, 422."""
        kind, store = target.kind, self._store
        obj, unknown = self._admitted(kind, obj, options)
        meta = obj["metadata"]
        self._place(
            target, meta, "the namespace of the provided object does not match the namespace sent on the request"
        )
        self._require_namespace(target, meta)
        if "resourceVersion" in meta:
            raise StatusError(500, "resourceVersion should not be set on objects to be created", reason="")
        metadata.stamp_new(meta, self._now())
        if kind.rules.has_generation:
            meta["generation"] = 1
        self._generate_name(kind, meta)
        kind.rules.on_create(obj)
        self._check(kind, obj, None, status=False)
        key = Key(kind.resource, meta.get("namespace", ""), meta["name"])
        if store.get(key) is not None:
            message = f'{kind.resource} "{key.name}" already exists'
            raise StatusError(
                409, message, reason="AlreadyExists", details=details(key.name, kind.group, kind.plural)
            )
        return Written(201, json.dumps(obj) if options.dry_run else store.put(key, obj), unknown)

    def replace(self, target: Target, obj: Obj, options: WriteOptions) -> Written:
        """PUT. Raises StatusError 400, 404, 409 Conflict, 422."""
        kind = target.kind
        text = self._store.get(target.key)
        if text is None and kind.rules.create_on_update:
            return self.create(target, obj, options)
        obj, unknown = self._admitted(kind, obj, options)
        meta = obj["metadata"]
        self._check_place(target, meta)
        self._check_uid(target, meta, text)
        if text is None:
            raise not_found(target)
        if "resourceVersion" not in meta and not kind.rules.unconditional_update:
            cause = Cause(
                "FieldValueInvalid", "metadata.resourceVersion", "Invalid value: 0x0: must be specified for an update"
            )
            raise invalid_object(kind.resource.replace(f".{kind.group}", ""), kind.group, target.key.name, [cause])
        return self._update(target, json.loads(text), obj, options, unknown)

    def patch(self, target: Target, change: Callable[[Obj], Obj], options: WriteOptions) -> Written:
        """PATCH: `change` makes the new object from a copy of the present one.

        Raises StatusError 400, 404, 409 Conflict, 422.
        """
        text = self._store.get(target.key)
        if text is None:
            raise not_found(target)
        kind, old = target.kind, json.loads(text)
        present = copy.deepcopy(old)
        kind.rules.admit(present)
        patched = change(present)
        check_kind(patched, kind)
        obj, unknown = self._admitted(kind, patched, options, patch=True)
        self._check_place(target, obj["metadata"])
        return self._update(target, old, obj, options, unknown)

    def _update(self, target: Target, old: Obj, obj: Obj, options: WriteOptions, unknown: tuple[str, ...]) -> Written:
        kind, meta, old_meta = target.kind, obj["metadata"], old["metadata"]
        if meta.get("resourceVersion", old_meta["resourceVersion"]) != old_meta["resourceVersion"]:
            raise conflict(target, STALE)
        given_uid = meta.get("uid")
        metadata.carry_over(meta, old_meta)
        if target.subresource == "status":
            kind.rules.on_status(obj, old)
        else:
            kind.rules.on_update(obj, old)
        meta = obj["metadata"]
        meta["resourceVersion"] = old_meta["resourceVersion"]
        if kind.rules.has_generation and _content(kind, obj) != _content(kind, old):
            meta["generation"] = old_meta.get("generation", 0) + 1
        if given_uid not in (None, old_meta["uid"]):
            meta["uid"] = given_uid  # refused below, as an immutable field
        self._check(kind, obj, old, status=target.subresource == "status")
        if options.dry_run or obj == old:
            return Written(200, json.dumps(obj), unknown)
        return Written(200, self.save(target.key, obj), unknown)

    def save(self, key: Key, obj: Obj) -> str:
        """Commit a changed object; one that only waited for its last finalizer goes."""
        meta = obj["metadata"]
        if meta.get("deletionGracePeriodSeconds") == 0 and not meta.get("finalizers"):
            answer = json.dumps(obj)
            self._store.delete(key, obj)
            return answer
        return self._store.put(key, obj)

    def _admitted(
        self, kind: Kind, obj: Obj, options: WriteOptions, *, patch: bool = False
    ) -> tuple[Obj, tuple[str, ...]]:
        """The object with clean metadata, pruned and defaulted; and warnings of unknown fields."""
        given = obj.get("metadata") or {}
        before = json.dumps(obj) if patch else ""
        try:
            clean = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata.clean(given)}
            clean |= {field: value for field, value in obj.items() if field not in clean}
            fields = sorted([*metadata.unknown_fields(given), *kind.rules.admit(clean)])
        except MisfitError as error:
            raise cannot_handle(kind, kind.kind, kind.version, str(error)) from None
        unknown = tuple(f'unknown field "{field}"' for field in fields)
        if unknown and options.field_validation == "Strict":
            problem = f"strict decoding error: {', '.join(unknown)}"
            if patch:
                raise invalid_object("", "", "", [invalid("patch", before, problem)])
            raise cannot_handle(kind, kind.kind, kind.version, problem)
        return clean, unknown if options.field_validation == "Warn" else ()

    def _place(self, target: Target, meta: Obj, mismatch: str) -> None:
        """The namespace comes from the path; an object may repeat it, not contradict it."""
        if meta.get("namespace", target.namespace) != target.namespace:
            raise bad_request(mismatch)
        if target.namespace:
            meta["namespace"] = target.namespace

    def _check_place(self, target: Target, meta: Obj) -> None:
        name, namespace = meta.setdefault("name", target.key.name), meta.get("namespace", "")
        if name != target.key.name:
            raise bad_request(
                f"the name of the object ({name}) does not match the name on the URL ({target.key.name})"
            )
        wording = f"the namespace of the object ({namespace}) does not match the namespace on the request"
        self._place(target, meta, f"{wording} ({target.namespace})")

    def _require_namespace(self, target: Target, meta: Obj) -> None:
        kind, namespace = target.kind, target.namespace
        if not kind.namespaced:
            return
        text = self._store.get(Key("namespaces", "", namespace))
        if text is None:
            raise StatusError(
                404, f'namespaces "{namespace}" not found', details=details(namespace, "", "namespaces")
            )
        if "deletionTimestamp" in json.loads(text)["metadata"]:
            name = meta.get("name", "")
            cause = Cause("NamespaceTerminating", "metadata.namespace", f"namespace {namespace} is being terminated")
            problem = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise StatusError(
                403,
                f'{kind.resource} "{name}" is forbidden: {problem}',
                details=details(name, kind.group, kind.plural, [cause]),
            )

    def _generate_name(self, kind: Kind, meta: Obj) -> None:
        prefix = meta.get("generateName")
        if "name" in meta or not prefix:
            return
        for _ in range(NAMES_TRIED):
            name = metadata.generated_name(prefix)
            if self._store.get(Key(kind.resource, meta.get("namespace", ""), name)) is None:
                meta["name"] = name
                return

    def _check_uid(self, target: Target, meta: Obj, text: str | None) -> None:
        if "uid" not in meta:
            return
        present = json.loads(text)["metadata"]["uid"] if text else ""
        if meta["uid"] != present:
            raise conflict(
                target,
                f"StorageError: invalid object, Code: 4, Key: {_storage_key(target)}, ResourceVersion: 0, "
                f"AdditionalErrorMsg: Precondition failed: UID in precondition: {meta['uid']}, "
                f"UID in object meta: {present}",
            )

    def _check(self, kind: Kind, obj: Obj, old: Obj | None, *, status: bool) -> None:
        meta = obj["metadata"]
        causes = metadata.problems(meta, old["metadata"] if old else None, kind.name_problems)
        causes += kind.rules.check(obj, old, status=status)
        if causes:
            raise invalid_object(kind.kind, kind.group, meta.get("name", ""), causes)


def _content(kind: Kind, obj: Obj) -> Obj:
    """What a change of raises the generation."""
    rest = ("metadata", "status") if kind.has_status else ("metadata",)
    return {field: value for field, value in obj.items() if field not in rest}


def _storage_key(target: Target) -> str:
    parts = ("/registry", target.kind.group, target.kind.plural, target.namespace, target.key.name)
    return "/".join(part for part in parts if part)


def not_found(target: Target) -> StatusError:
    """404 for an object."""
    kind, name = target.kind, target.key.name
    return StatusError(404, f'{kind.resource} "{name}" not found', details=details(name, kind.group, kind.plural))


def conflict(target: Target, problem: str) -> StatusError:
    """409 for an update."""
    kind, name = target.kind, target.key.name
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {problem}'
    return StatusError(409, message, details=details(name, kind.group, kind.plural))
