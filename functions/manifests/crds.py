"""The custom resource definitions, generated from the models of the domain, so that there is one set of rules.

`python -m functions.manifests.crds` writes them to `crds/`; a test fails when they differ.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from functions.runs import api_group
from functions.runs.model.fields import DNS_LABEL, RUN_NAME_LENGTH
from functions.runs.model.kinds import Column
from functions.runs.model.run_spec import RunSpec
from functions.runs.model.specs import SPECS
from functions.runs.model.status import RunStatus

KEPT = frozenset(
    {
        "type", "format", "description", "default", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum",
        "exclusiveMinimum", "minItems", "maxItems", "required", "allOf", "anyOf", "oneOf", "not",
        "x-kubernetes-int-or-string",
    }
)  # fmt: skip
"""The keywords that a structural schema shares with pydantic's JSON Schema; others are omitted."""


def crd(spec: type[RunSpec]) -> dict[str, Any]:
    """Return the CustomResourceDefinition of one kind of run."""
    schema = {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "metadata": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": RUN_NAME_LENGTH, "pattern": DNS_LABEL}},
            },
            "spec": structural(spec),
            "status": structural(RunStatus),
        },
    }
    version = {
        "name": api_group.VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            *(_column(column) for column in spec.kind.columns),
        ],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{spec.kind.plural}.{api_group.GROUP}"},
        "spec": {
            "group": api_group.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": spec.kind.value,
                "listKind": f"{spec.kind}List",
                "plural": spec.kind.plural,
                "singular": spec.kind.lower(),
                "shortNames": [spec.kind.short_name],
                "categories": ["agents"],
            },
            "versions": [version],
        },
    }


def _column(column: Column) -> dict[str, Any]:
    printed = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return printed | {"priority": 1} if column.wide else printed


def structural(model: type[BaseModel]) -> dict[str, Any]:
    """Return the structural schema of `model`: references resolved, optional fields without their null."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _structural(schema, schema.get("$defs", {}))


def _structural(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    node = _resolve(node, definitions)
    kept = {key: value for key, value in node.items() if key in KEPT}
    if kept.get("default", ...) is None or kept.get("default") == []:
        del kept["default"]
    if "exclusiveMinimum" in kept:  # a number in JSON Schema, a flag in OpenAPI v3.0
        kept |= {"minimum": kept["exclusiveMinimum"], "exclusiveMinimum": True}
    if "items" in node:
        kept["items"] = _structural(node["items"], definitions)
    if "properties" in node:
        kept["properties"] = {name: _structural(each, definitions) for name, each in node["properties"].items()}
    if _is_conditions(node, kept):
        kept |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    return kept


def _resolve(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return `node` with references resolved; "this or null" becomes this, because null is pruned as absent."""
    options = [option for option in node.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1 and len(node["anyOf"]) == 2:
        node = options[0] | {key: value for key, value in node.items() if key != "anyOf"}
    if "$ref" in node:
        named = definitions[node["$ref"].rsplit("/", 1)[-1]]
        node = named | {key: value for key, value in node.items() if key != "$ref"}
    return node


def _is_conditions(node: dict[str, Any], found: dict[str, Any]) -> bool:
    return node.get("type") == "array" and "lastTransitionTime" in found["items"].get("properties", {})


def write(directory: Path) -> None:
    """Write every CRD to `directory`, one file each, and the kustomization."""
    for name, text in files().items():
        (directory / name).write_text(text)


def files() -> dict[str, str]:
    """Return the YAML text of every CRD, and of the list of them, by file name."""
    texts = {f"{spec.kind.plural}.yaml": crd(spec) for spec in SPECS.values()}
    listed = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": sorted(texts)}
    return {
        name: yaml.safe_dump(each, sort_keys=False, width=118)
        for name, each in {**texts, "kustomization.yaml": listed}.items()
    }


if __name__ == "__main__":
    write(Path(__file__).resolve().parents[2] / "crds")
