"""The built-in kinds other than Jobs and Pods, and the list of all built-in kinds."""

import base64
import binascii
from typing import ClassVar

from functions.local.apiserver import field_types, names
from functions.local.apiserver.errors import Cause, Obj, forbidden_field, immutable, invalid, required
from functions.local.apiserver.kind_rules import BY_NAME, InvalidFieldError, Rules, WithStatus
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.workloads import JobRules, PodRules

DATA_LIMIT = 1024 * 1024  # bytes of a ConfigMap or Secret: k8s.io/api/core/v1, MaxSecretSize
KEY_WORDING = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
    f"'KEY_NAME',  or 'key-name', regex used for validation is '{names.CONFIG_KEY}')"
)
IMMUTABLE_WORDING = "field is immutable when `immutable` is set"
REFERENCE_PARTS = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
PVC_WORDING = "spec is immutable after creation except resources.requests for bound claims"


class DataRules(Rules):
    """Rules that ConfigMaps and Secrets share: keys, a size limit, `immutable`."""

    data_fields: ClassVar[tuple[str, ...]]
    size_field: ClassVar[str]

    def default(self, obj: Obj) -> None:
        """Remove empty data fields."""
        for field in self.data_fields:
            if not obj.get(field, True):
                del obj[field]

    def check(self, obj: Obj, old: Obj | None, *, status: bool) -> list[Cause]:  # noqa: ARG002
        """Return problems of keys, size and changes of immutable data."""
        size, causes = 0, []
        for field in self.data_fields:
            for key, value in obj.get(field, {}).items():
                size += names.byte_length(value)
                if len(key) > 253 or not names.matches(names.CONFIG_KEY, key):
                    causes.append(invalid(f"{field}[{key}]", key, KEY_WORDING))
        if size > DATA_LIMIT:
            wording = f"Too long: must have at most {DATA_LIMIT} bytes"
            causes.append(Cause("FieldValueTooLong", self.size_field, wording))
        return causes + (self._immutable_changes(obj, old) if old is not None and old.get("immutable") else [])

    def _immutable_changes(self, obj: Obj, old: Obj) -> list[Cause]:
        fields = [field for field in self.data_fields if obj.get(field) != old.get(field)]
        fields += [] if obj.get("immutable") else ["immutable"]
        return [forbidden_field(field, IMMUTABLE_WORDING) for field in fields]


class ConfigMapRules(DataRules):
    """core/v1 ConfigMap."""

    shape = field_types.CONFIG_MAP
    data_fields = ("data", "binaryData")
    size_field = "[]"  # the path that the real server reports


class SecretRules(DataRules):
    """core/v1 Secret."""

    shape = field_types.SECRET
    data_fields = ("data",)
    size_field = "data"

    def default(self, obj: Obj) -> None:
        """Check the base64 of `data`, move `stringData` into it and set the type."""
        data = obj.get("data", {})
        for key, value in data.items():
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error as error:
                raise InvalidFieldError(f"data.{key} is not base64: {error}") from None
        text = obj.pop("stringData", {})
        if text:
            obj["data"] = data | {
                key: base64.b64encode(value.encode(errors="replace")).decode() for key, value in text.items()
            }
        obj.setdefault("type", "Opaque")

    def check(self, obj: Obj, old: Obj | None, *, status: bool) -> list[Cause]:
        """Return problems of the data and a change of the type."""
        causes = super().check(obj, old, status=status)
        if old is not None and obj["type"] != old["type"]:
            causes.append(immutable("type", obj["type"]))
        return causes


class ClaimRules(WithStatus):
    """core/v1 PersistentVolumeClaim."""

    shape = field_types.CLAIM

    def default(self, obj: Obj) -> None:
        """Set the volume mode."""
        obj.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")

    def on_create(self, obj: Obj) -> None:
        """Set the phase to Pending."""
        obj["status"] = {"phase": "Pending"}

    def check(self, obj: Obj, old: Obj | None, *, status: bool) -> list[Cause]:  # noqa: ARG002
        """Return problems of access modes and size, and changes of the spec other than size and bound volume."""
        spec, causes = obj["spec"], []
        if not spec.get("accessModes"):
            causes.append(required("spec.accessModes", "at least 1 access mode is required"))
        if not spec.get("resources", {}).get("requests", {}).get("storage"):
            causes.append(required("spec.resources[storage]"))
        if old is not None and _immutable_claim_fields(spec) != _immutable_claim_fields(old["spec"]):
            causes.append(forbidden_field("spec", PVC_WORDING))
        return causes


def _immutable_claim_fields(spec: Obj) -> Obj:
    return {field: value for field, value in spec.items() if field not in ("resources", "volumeName")}


class NamespaceRules(WithStatus):
    """core/v1 Namespace."""

    shape = field_types.NAMESPACE
    selectable = (*BY_NAME, "status.phase")

    def on_create(self, obj: Obj) -> None:
        """Set the finalizer and the phase Active."""
        obj["spec"] = {"finalizers": ["kubernetes"]}
        obj["status"] = {"phase": "Active"}

    def on_update(self, obj: Obj, old: Obj) -> None:
        """Keep the spec and the status; only the metadata can change."""
        obj["spec"], obj["status"] = old["spec"], old["status"]


class EventRules(Rules):
    """core/v1 Event."""

    shape = field_types.EVENT
    selectable = (*BY_NAME, *(f"involvedObject.{part}" for part in REFERENCE_PARTS), "reason", "type")

    def check(self, obj: Obj, old: Obj | None, *, status: bool) -> list[Cause]:  # noqa: ARG002
        """Return an error unless the event is in the namespace of its involved object."""
        namespace = obj.get("involvedObject", {}).get("namespace", "default")
        if namespace == obj["metadata"]["namespace"]:
            return []
        return [invalid("involvedObject.namespace", namespace, "does not match event.namespace")]


READ_VERBS = ("get", "list", "watch")

KINDS = (
    Kind("", "v1", "ConfigMap", "configmaps", ConfigMapRules(), ("cm",)),
    Kind("", "v1", "Event", "events", EventRules(), ("ev",)),
    Kind(
        "", "v1", "Namespace", "namespaces", NamespaceRules(), ("ns",),
        namespaced=False, has_status=True, name_problems=names.label_name_problems,
    ),
    Kind(
        "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", ClaimRules(), ("pvc",), has_status=True
    ),
    Kind("", "v1", "Pod", "pods", PodRules(), ("po",), ("all",), has_status=True),
    Kind("", "v1", "Secret", "secrets", SecretRules()),
    Kind("batch", "v1", "Job", "jobs", JobRules(), (), ("all",), has_status=True),
    Kind(
        "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", Rules(),
        ("crd", "crds"), ("api-extensions",), namespaced=False, verbs=READ_VERBS,
    ),
)  # fmt: skip
