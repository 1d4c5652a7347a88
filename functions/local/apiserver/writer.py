"""Create, update and patch objects, in the order in which the real server checks and changes them.

The code is synchronous: no other request runs between reading an object and committing the next version. The checks
of resourceVersion and preconditions rely on it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from functions.local.apiserver import managed_fields, metadata, status_errors
from functions.local.apiserver.admission import admit, check_location, set_namespace
from functions.local.apiserver.errors import Obj, StatusError, invalid_object
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.managed_fields import Write
from functions.local.apiserver.request_body import check_kind
from functions.local.apiserver.requests import Target, WriteOptions
from functions.local.apiserver.store import Key, Store

NAME_ATTEMPTS = 8  # for generateName; each has 27^5 possibilities


@dataclass(frozen=True, slots=True)
class Written:
    """The response to a write: HTTP status, body (JSON text) and warnings."""

    code: int
    body: str
    warnings: tuple[str, ...] = ()


class Writer:
    """Writes objects by the rules of their kinds; `now` returns the current time."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def create(self, target: Target, obj: Obj, options: WriteOptions) -> Written:
        """Handle POST; raise StatusError 400, 403, 404 (namespace), 409 AlreadyExists or 422."""
        obj, unknown = admit(target.kind, obj, options)
        set_namespace(target, obj["metadata"])
        return self._insert(target, obj, options, unknown)

    def replace(self, target: Target, obj: Obj, options: WriteOptions) -> Written:
        """Handle PUT; raise StatusError 400, 404, 409 Conflict or 422."""
        kind, name = target.kind, target.key.name
        obj, unknown = admit(kind, obj, options)
        meta = obj["metadata"]
        check_location(target, meta)
        text = self._store.get(target.key)
        old: Obj = json.loads(text) if text else {"metadata": {"uid": ""}}
        if meta.get("uid", old["metadata"]["uid"]) != old["metadata"]["uid"]:
            raise status_errors.other_uid(kind, target.namespace, name, meta["uid"], old["metadata"]["uid"])
        if text is None:
            raise status_errors.not_found(kind, name)
        if "resourceVersion" not in meta and not kind.rules.unconditional_update:
            raise status_errors.version_needed(kind, name)
        return self._update(target, old, obj, options, unknown)

    def patch(self, target: Target, change: Callable[[Obj], Obj], options: WriteOptions) -> Written:
        """Handle PATCH; `change` returns the new object, given a copy of the current one.

        Raises:
            StatusError: 400, 404, 409 Conflict or 422.
        """
        kind, text = target.kind, self._store.get(target.key)
        if text is None:
            raise status_errors.not_found(kind, target.key.name)
        old: Obj = json.loads(text)
        patched = change(json.loads(text))
        try:
            check_kind(patched, kind)
        except StatusError as error:
            if kind.custom:
                raise
            raise status_errors.invalid_patch_result(error.message) from None
        obj, unknown = admit(kind, patched, options, patch=True)
        check_location(target, obj["metadata"])
        if "resourceVersion" not in obj["metadata"] and not kind.rules.unconditional_update:
            raise status_errors.version_needed(kind, target.key.name)
        return self._update(target, old, obj, options, unknown)

    def apply(self, target: Target, config: Obj, options: WriteOptions) -> Written:
        """Handle PATCH with a configuration to apply; create the object if it does not exist.

        Raises:
            StatusError: 400, 403, 404 (namespace, or the object of a subresource), 409 or 422.
        """
        write = self._write(target, options)
        if self._store.get(target.key) is not None or target.subresource:
            return self.patch(target, lambda live: managed_fields.applied(live, config, write), options)
        check_kind(config, target.kind)
        obj, unknown = admit(target.kind, managed_fields.applied(None, config, write), options)
        check_location(target, obj["metadata"])
        obj["metadata"].pop("resourceVersion", None)
        return self._insert(target, obj, options, unknown)

    def save(self, key: Key, obj: Obj) -> str:
        """Commit a changed object; delete it if it is marked for deletion and has no finalizers left."""
        meta = obj["metadata"]
        if meta.get("deletionGracePeriodSeconds") == 0 and not meta.get("finalizers"):
            body = json.dumps(obj)
            self._store.delete(key, json.loads(self._store.get(key) or body))  # watchers get the stored version
            return body
        return self._store.put(key, obj)

    def _insert(self, target: Target, obj: Obj, options: WriteOptions, unknown: tuple[str, ...]) -> Written:
        kind, meta = target.kind, obj["metadata"]
        self._require_namespace(target, meta)
        version, managed = meta.get("resourceVersion"), meta.get("managedFields")
        metadata.stamp_new(meta, self._now())
        if options.apply:
            meta["managedFields"] = managed
        if kind.rules.has_generation:
            meta["generation"] = 1
        self._generate_name(kind, meta)
        kind.rules.on_create(obj)
        _check(kind, obj, None, status=False)
        kind.rules.complete(obj)
        if version and options.dry_run:
            meta["resourceVersion"] = version
        elif version:
            raise StatusError(500, "resourceVersion should not be set on objects to be created", reason="")
        key = Key(kind.resource, meta.get("namespace", ""), meta["name"])
        if (present := self._store.get(key)) is not None:
            deleting = "deletionTimestamp" in json.loads(present)["metadata"]
            raise status_errors.already_exists(kind, key.name, deleting=deleting)
        return Written(201, json.dumps(obj) if options.dry_run else self._store.put(key, obj), unknown)

    def _update(self, target: Target, old: Obj, obj: Obj, options: WriteOptions, unknown: tuple[str, ...]) -> Written:
        kind, meta, old_meta = target.kind, obj["metadata"], old["metadata"]
        if meta.get("resourceVersion", old_meta["resourceVersion"]) != old_meta["resourceVersion"]:
            raise status_errors.conflict(kind, target.key.name, status_errors.STALE)
        client_values = {field: meta[field] for field in metadata.immutable_fields(old_meta) if field in meta}
        applied = meta.get("managedFields")
        metadata.carry_over(meta, old_meta)
        status = target.subresource == "status"
        if status:
            kind.rules.on_status(obj, old)
        else:
            kind.rules.on_update(obj, old)
        meta = obj["metadata"]
        meta |= {"resourceVersion": old_meta["resourceVersion"]} | client_values
        write = self._write(target, options)
        managed = applied if options.apply else managed_fields.updated(old, obj, applied, write)
        meta.pop("managedFields", None)
        meta |= {"managedFields": managed} if managed else {}
        if kind.rules.has_generation and _content(kind, obj) != _content(kind, old):
            meta["generation"] = old_meta.get("generation", 0) + 1
        _check(kind, obj, old, status=status)
        kind.rules.complete(obj)
        if options.dry_run or obj == old:
            return Written(200, json.dumps(obj), unknown)
        return Written(200, self.save(target.key, obj), unknown)

    def _write(self, target: Target, options: WriteOptions) -> Write:
        return Write(target, options, metadata.timestamp(self._now()))

    def _require_namespace(self, target: Target, meta: Obj) -> None:
        if not target.kind.namespaced:
            return
        text = self._store.get(Key("namespaces", "", target.namespace))
        if text is None:
            raise status_errors.no_namespace(target.namespace)
        if "deletionTimestamp" in json.loads(text)["metadata"]:
            raise status_errors.namespace_terminating(target.kind, meta.get("name", ""), target.namespace)

    def _generate_name(self, kind: Kind, meta: Obj) -> None:
        prefix = meta.get("generateName")
        if "name" in meta or not prefix:
            return
        for _ in range(NAME_ATTEMPTS):
            name = metadata.generated_name(prefix)
            if self._store.get(Key(kind.resource, meta.get("namespace", ""), name)) is None:
                meta["name"] = name
                return


def _check(kind: Kind, obj: Obj, old: Obj | None, *, status: bool) -> None:
    meta = obj["metadata"]
    causes = metadata.problems(meta, old["metadata"] if old else None, kind.name_problems)
    causes += [] if kind.custom else metadata.unqualified_finalizers(meta)
    causes += kind.rules.check(obj, old, status=status)
    if causes:
        raise invalid_object(kind.kind, kind.group, meta.get("name", ""), causes)


def _content(kind: Kind, obj: Obj) -> Obj:
    """Return the fields whose changes increase the generation."""
    rest = ("metadata", "status") if kind.has_status else ("metadata",)
    return {field: value for field, value in obj.items() if field not in rest}
