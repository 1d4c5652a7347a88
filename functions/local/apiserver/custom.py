"""Custom resources: the kinds defined by CRD files, and the rules that follow from their schemas."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import yaml

from functions.local.apiserver import schema
from functions.local.apiserver.errors import Cause, Obj
from functions.local.apiserver.field_sets import lists_of
from functions.local.apiserver.kind_rules import WithStatus
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.validation import compile_schema, list_duplicates, violations

ESTABLISHED = "the embedded API server serves the definitions that it reads at start"


class CustomRules(WithStatus):
    """Rules of a kind with a structural schema and a status subresource."""

    unconditional_update: ClassVar[bool] = False
    has_generation: ClassVar[bool] = True
    not_selectable: ClassVar[str] = "field label not supported: {field}"

    def __init__(self, structural: Obj) -> None:
        super().__init__()
        self.structural, self.lists = structural, lists_of(structural)
        self._validator = compile_schema(structural)

    def admit(self, obj: Obj) -> list[str]:
        """Prune and default the object; return the paths of its unknown fields."""
        unknown = schema.prune(self.structural, obj)
        schema.default(self.structural, obj)
        return unknown

    def on_status(self, obj: Obj, old: Obj) -> None:
        """Keep everything but the status, including the metadata."""
        super().on_status(obj, old)
        obj["metadata"] = copy.deepcopy(old["metadata"])

    def check(self, obj: Obj, old: Obj | None, *, status: bool) -> list[Cause]:
        """Return schema violations, and duplicates in lists of type set and map unless the old object had some."""
        causes = violations(self._validator, obj)
        had_duplicates = old is not None and any(list_duplicates(self.structural, old))
        if not status and not had_duplicates:
            causes += list_duplicates(self.structural, obj)
        return causes


def definitions(folder: Path) -> Iterator[Obj]:
    """Yield the CustomResourceDefinitions in the YAML files of a folder, in order of file name.

    Raises:
        yaml.YAMLError: a file is not YAML.
    """
    for path in sorted(folder.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if isinstance(document, dict) and document.get("kind") == "CustomResourceDefinition":
                yield document


def kinds(definition: Obj) -> Iterator[Kind]:
    """Yield the kinds that a definition serves, one for each version."""
    spec = definition["spec"]
    names = spec["names"]
    for version in spec["versions"]:
        if not version.get("served"):
            continue
        yield Kind(
            group=spec["group"],
            version=version["name"],
            kind=names["kind"],
            plural=names["plural"],
            rules=CustomRules(version["schema"]["openAPIV3Schema"]),
            short_names=tuple(names.get("shortNames", ())),
            categories=tuple(names.get("categories", ())),
            namespaced=spec["scope"] == "Namespaced",
            has_status=True,
            custom=True,
            printer_columns=tuple(version.get("additionalPrinterColumns", ())),
        )


def established(definition: Obj) -> Obj:
    """Return a definition as the server returns it, with the status conditions of an established one."""
    names, spec = definition["spec"]["names"], definition["spec"]
    accepted = {"singular": names["kind"].lower(), "listKind": f"{names['kind']}List", **names}
    conditions = [
        {"type": kind, "status": "True", "reason": reason, "message": ESTABLISHED}
        for kind, reason in (("NamesAccepted", "NoConflicts"), ("Established", "InitialNamesAccepted"))
    ]
    stored = [version["name"] for version in spec["versions"] if version.get("storage")]
    status = {"conditions": conditions, "acceptedNames": accepted, "storedVersions": stored}
    return {**definition, "spec": {**spec, "names": accepted}, "status": status}
