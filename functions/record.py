"""Classes that are no more than their fields, as `dataclass(frozen=True)` makes them, in a quarter of its time.

A dataclass compiles six methods of its own for every class, which takes half a millisecond; a function loads up to a
hundred such classes before its first answer (make bench, cold start). A record compiles `__init__` alone, and shares
the rest. That nothing is assigned to it later is checked where types are, by mypy, and not at run time.
"""

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(made: type[T]) -> type[T]:
    """Makes the class a dataclass: compared, hashed and shown by its fields, and never changed."""
    for name, method in (("__eq__", _equals), ("__hash__", _hashed), ("__repr__", _shown)):
        if name not in made.__dict__:
            setattr(made, name, method)
    return dataclass(eq=False, repr=False)(made)


def _compared(given: Any) -> tuple[Any, ...]:
    return tuple(getattr(given, each.name) for each in fields(given) if each.compare)


def _equals(self: Any, other: object) -> bool:
    return _compared(self) == _compared(other) if other.__class__ is self.__class__ else NotImplemented


def _hashed(self: Any) -> int:
    return hash(_compared(self))


def _shown(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"
