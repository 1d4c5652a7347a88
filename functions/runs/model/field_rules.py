"""The rules that the fields of a run are made of. Pure.

A rule serves twice: pydantic checks it in the functions, and the CRD schema made from the same type has the API
server check it. Both must agree, so a rule is a pattern that Go's RE2, Rust's regex and Python's `re` read alike
(no look-around), and what such a pattern cannot say is said as patterns the value must *not* match.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # pydantic asks a rule for a schema; a client, which waits for no pydantic, asks it alone
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A pattern that a value must not match, and what is wrong with a value that does, for people."""

    pattern: str
    why: str


@dataclass(frozen=True, slots=True)
class StringRule:
    """The rule of a string: `pattern` must match, no pattern of `never` may; lengths in characters.

    `spelling` turns a value that does not match into one that would, for the error text; empty: it has none.
    """

    pattern: str
    why: str
    never: tuple[Forbidden, ...] = ()
    min_length: int = 1
    max_length: int = 253
    spelling: Callable[[str], str] | None = None

    def check(self, value: str) -> str:
        """Return `value`; raise ValueError saying what it must be."""
        if not self.min_length <= len(value) <= self.max_length:
            raise ValueError(f"must have {self.min_length} to {self.max_length} characters")
        if not re.fullmatch(self.pattern, value):
            accepted = self.spelling(value) if self.spelling else ""
            raise ValueError(f"{self.why}; write {accepted}" if accepted else self.why)
        for rule in self.never:
            if re.search(rule.pattern, value):
                raise ValueError(rule.why)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema  # a client that only checks a value does not wait for it

        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: "CoreSchema", handler: "GetJsonSchemaHandler") -> dict[str, Any]:
        extended = handler(schema) | {
            "minLength": self.min_length,
            "maxLength": self.max_length,
            "pattern": self.pattern,
        }
        if self.never:
            extended["allOf"] = [{"not": {"pattern": rule.pattern}} for rule in self.never]
        return extended


@dataclass(frozen=True, slots=True)
class IntOrStringRule:
    """The rule of a whole number from 1 to `maximum`, or a text: a Task Master id or a Kubernetes quantity."""

    pattern: str
    why: str
    max_length: int
    maximum: int = 2_147_483_647

    def check(self, value: int | str) -> int | str:
        """Return `value`; raise ValueError saying what it must be."""
        if isinstance(value, int):
            if 1 <= value <= self.maximum:
                return value
        elif len(value) <= self.max_length and re.fullmatch(self.pattern, value):
            return value
        raise ValueError(self.why)

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema  # a client that only checks a value does not wait for it

        either = core_schema.union_schema([core_schema.int_schema(strict=True), core_schema.str_schema(strict=True)])
        return core_schema.no_info_after_validator_function(self.check, either)

    def __get_pydantic_json_schema__(self, schema: "CoreSchema", handler: "GetJsonSchemaHandler") -> dict[str, Any]:
        """Return the form that Kubernetes prescribes for "a number or a text" (CRDs: intOrString)."""
        return {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "minimum": 1,
            "maximum": self.maximum,
            "pattern": self.pattern,
            "maxLength": self.max_length,
        }


def is_valid(kind: Any, value: Any) -> bool:
    """Return whether `value` obeys the rule of `kind`, such as `Branch`."""
    (rule,) = kind.__metadata__
    try:
        rule.check(value)
    except ValueError:
        return False
    return True
