"""Parts of a pod that settings hand on to the API server as they are.

The models of the Kubernetes client library check them. They are generated from the API server's own schema: unknown
fields, wrong types and missing fields are named. A field of a later server needs a later library.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError

from functions.settings.types import matching

Object = dict[str, Any]


def kubernetes_model(module: str, name: str) -> AfterValidator:
    """Return the rule that a mapping is such an object of the API server, with its fields in camelCase."""

    def check(value: Object) -> Object:
        # Imported here: the models take a quarter of a second to load, and few installations set any of this.
        model = getattr(import_module(f"kubernetes.client.models.{module}"), name)
        try:
            checked = model.model_validate(value)
        except ValidationError as error:
            raise ValueError("; ".join(_problems(error))) from None
        dumped: Object = checked.model_dump(mode="json", by_alias=True, exclude_none=True)
        return dumped

    return AfterValidator(check)


def _problems(error: ValidationError) -> Iterator[str]:
    """Yield one text for each problem; none repeats a value."""
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        path = ".".join(str(part) for part in item["loc"])
        match item["type"]:
            case "extra_forbidden":
                yield f"{path} is not a field of the Kubernetes API"
            case "missing":
                yield f"{path} is required"
            case _:
                yield f"{path}: {item['msg'][:1].lower()}{item['msg'][1:]}"


Toleration = Annotated[Object, kubernetes_model("v1_toleration", "V1Toleration")]
Affinity = Annotated[Object, kubernetes_model("v1_affinity", "V1Affinity")]
TopologySpread = Annotated[Object, kubernetes_model("v1_topology_spread_constraint", "V1TopologySpreadConstraint")]
Volume = Annotated[Object, kubernetes_model("v1_volume", "V1Volume")]
VolumeMount = Annotated[Object, kubernetes_model("v1_volume_mount", "V1VolumeMount")]
Container = Annotated[Object, kubernetes_model("v1_container", "V1Container")]

_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
_PREFIX = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/"

LabelKey = Annotated[
    str,
    matching(
        rf"({_PREFIX})?(?=.{{1,63}}$){_NAME}",
        "must be the key of a label or annotation: a name of up to 63 letters, digits, '-', '_' and '.', "
        "optionally after a DNS name and '/'",
        317,
    ),
]
"""A qualified name (apimachinery, validation.IsQualifiedName)."""
LabelValue = Annotated[
    str, matching(rf"({_NAME})?", "must be a label's value: up to 63 letters, digits, '-', '_' and '.'", 63)
]


def names(items: list[Object]) -> list[str]:
    """Return the names of volumes or containers."""
    return [str(item["name"]) for item in items]


def labels_of(prefixes: tuple[str, ...], given: Mapping[str, Any]) -> list[str]:
    """Return the keys that start with one of the prefixes."""
    return sorted(key for key in given if key.startswith(prefixes))
