"""Whether what a run asks for fits the bounds of this installation. Pure."""

from collections.abc import Iterator, Mapping

from pydantic.alias_generators import to_camel

from functions.runs.model.quantity import thousandths
from functions.runs.model.run_spec import RunSpec


def out_of_bounds(spec: RunSpec, bounds: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield a field of the spec and what is wrong with it, naming the setting.

    `bounds` are the highest amounts, by Kubernetes' names of resources; a resource without one cannot be asked for.
    """
    for name, amount in (spec.resources.quantities if spec.resources else {}).items():
        setting = f"the setting job.max_resources.{name.replace('-', '_')}"
        field = f"resources.{to_camel(name.replace('-', '_'))}"
        if name not in bounds:
            yield field, f"cannot be asked for: {setting} is not set"
        elif thousandths(amount) > thousandths(bounds[name]):
            yield field, f"must be at most {bounds[name]} ({setting})"
