"""Label and field selectors, with the error texts of k8s.io/apimachinery/pkg/{labels,fields}."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from functions.local.apiserver import names
from functions.local.apiserver.errors import Obj, StatusError, bad_request
from functions.local.apiserver.kinds import Kind

TOKEN = re.compile(r"\s*(==|!=|=|!|,|\(|\)|<|>|[^\s=!,()<>]+)")
OPERATORS = ("=", "==", "!=", "<", ">", ",", "(", ")")
END = "end of string"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition: the value of `key` is (or is not) among `values`; if those are None, the key exists."""

    key: str
    values: frozenset[str] | None
    negated: bool = False

    def matches(self, present: Mapping[str, str]) -> bool:
        """Return whether the condition holds; a missing key is not among any values."""
        selected = self.key in present if self.values is None else present.get(self.key) in self.values
        return selected != self.negated


@dataclass(frozen=True, slots=True)
class Selector:
    """Conditions on labels and on fields; all must hold."""

    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.labels or self.fields)

    def matches(self, kind: Kind, obj: Obj) -> bool:
        """Return whether an object is selected.

        Raises:
            StatusError: 400 for a field that the kind does not support in selectors.
        """
        labels = obj["metadata"].get("labels", {})
        if not all(requirement.matches(labels) for requirement in self.labels):
            return False
        return not self.fields or self._fields_match(kind.rules.fields(obj))

    def _fields_match(self, fields: Mapping[str, str]) -> bool:
        return all(requirement.matches(fields) for requirement in self.fields)


def parse(kind: Kind, label_selector: str, field_selector: str) -> Selector:
    """Return the selector from the query of a list or watch.

    Raises:
        StatusError: 400.
    """
    labels = _LabelParser(label_selector).parse() if label_selector.strip() else ()
    fields = tuple(_parse_field(kind, term) for term in field_selector.split(",") if term)
    return Selector(tuple(labels), fields)


def _parse_field(kind: Kind, term: str) -> Requirement:
    match = re.fullmatch(r"(.*?)(!=|==|=)(.*)", term)
    if match is None:
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    field, operator, value = match.groups()
    if field not in kind.rules.selectable:
        raise bad_request(kind.rules.not_selectable.format(field=field))
    return Requirement(field, frozenset({value}), negated=operator == "!=")


class _LabelParser:
    """Parses a selector such as `a=b,c!=d,e in (f,g),h,!i`."""

    def __init__(self, text: str) -> None:
        self._tokens = TOKEN.findall(text)
        self._position = 0

    def parse(self) -> list[Requirement]:
        if self._peek() in OPERATORS:
            raise bad_request(f"found '{self._peek()}', expected: !, identifier, or '{END}'")
        requirements = [self._requirement()]
        while self._peek() == ",":
            self._next()
            if self._peek() in ("", *OPERATORS):
                raise bad_request(f"found '{self._peek()}', expected: identifier after ','")
            requirements.append(self._requirement())
        if self._peek():
            raise bad_request(f"found '{self._peek()}', expected: ',' or '{END}'")
        return requirements

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._position += 1
        return token

    def _requirement(self) -> Requirement:
        if self._peek() == "!":
            self._next()
            return Requirement(self._key(), None, negated=True)
        key, operator = self._key(), self._peek()
        if operator in ("", ","):
            return Requirement(key, None)
        self._next()
        if operator in ("in", "notin"):
            return Requirement(key, self._values(), negated=operator == "notin")
        if operator in ("=", "==", "!="):
            return Requirement(key, frozenset({self._value()}), negated=operator == "!=")
        raise _unparsable(f"found '{operator}', expected: in, notin, =, ==, !=")

    def _key(self) -> str:
        key = self._next()
        if not key or key in "=!,()<>" or key == "==":
            raise _unparsable(f"found '{key}', expected: identifier")
        for problem in names.qualified_name_problems(key):
            raise _unparsable(f'invalid label key "{key}": {problem}')
        return key

    def _value(self) -> str:
        token = self._peek()
        if token in ("", ",", ")"):
            return ""
        if not names.matches(names.LABEL_VALUE, token):
            raise _unparsable(f"found '{token}', expected: identifier")
        return self._next()

    def _values(self) -> frozenset[str]:
        if self._next() != "(":
            self._position -= 1
            raise _unparsable(f"found '{self._peek()}' expected: '('")
        values = {self._value()}
        while self._peek() == ",":
            self._next()
            values.add(self._value())
        if self._next() != ")":
            self._position -= 1
            raise _unparsable(f"found '{self._peek()}', expected: ',' or ')'")
        return frozenset(values)


def _unparsable(problem: str) -> StatusError:
    return bad_request(f"unable to parse requirement: {problem}")
