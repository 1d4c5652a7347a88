"""Rules for servers that know CEL (Kubernetes 1.29 and newer): a run is what it was submitted as.

An attempt is rendered from the spec as it was read, so that a later change would be believed to hold and would not.
The rules are made from the models, one for each field, into a kustomize component; `crds/` itself has none, since
kubectl refuses them on older servers. `python -m infra.immutability` writes them; a test fails when they differ.
"""

from pathlib import Path
from typing import Any

import yaml

from functions.manifests.crds import structural
from functions.runs.model.run_spec import RunSpec
from functions.runs.model.specs import SPECS

FOLDER = Path(__file__).resolve().parent / "kubernetes" / "components" / "immutable-spec"
MAY_CHANGE = frozenset({"cancel", "contextVersion", "continueSession", "promptModification", "promptMode"})
"""What a person's cancel and retry are asked for with."""
DELETED = "self.repositoryUrl == 'https://deleted.invalid/run.git'"
"""The spec that a run which became invalid is deleted with (functions/manifests/tombstone.py)."""
AT = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/x-kubernetes-validations"


def rules(spec: type[RunSpec]) -> list[dict[str, Any]]:
    """One rule for each field of the spec that may not change, in the schema's order."""
    schema = structural(spec)
    return [
        {
            "rule": f"{DELETED} || {_same(name, name in schema['required'] or 'default' in each)}",
            "message": f"{name} cannot be changed: submit another run",
        }
        for name, each in schema["properties"].items()
        if name not in MAY_CHANGE
    ]


def _same(name: str, always: bool) -> str:
    same = f"self.{name} == oldSelf.{name}"
    return same if always else f"(has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || {same}))"


def files() -> dict[str, str]:
    """File name to text of every patch."""
    patches = {spec.kind.plural: [{"op": "add", "path": AT, "value": rules(spec)}] for spec in SPECS.values()}
    return {f"{name}.yaml": yaml.safe_dump(patch, sort_keys=False, width=118) for name, patch in patches.items()}


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text)
