"""Label and field selectors, with the refusals worded as k8s.io/apimachinery/pkg/{labels,fields} does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from functions.local.apiserver import names
from functions.local.apiserver.errors import Obj, StatusError, bad_request
from functions.local.apiserver.kinds import Kind

TOKEN = re.compile(r"\s*(==|!=|=|!|,|\(|\)|<|>|[^\s=!,()<>]+)")
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
OPERATORS = ("=", "==", "!=", "<", ">", ",", "(", ")")
END = "end of string"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition: the value of `key` is (or is not) among `values`. No values: the key exists."""

    key: str
    values: frozenset[str] | None
    negated: bool = False

    def matches(self, present: Mapping[str, str]) -> bool:
        """Whether it holds. A missing key is not among any values."""
        found = self.key in present if self.values is None else present.get(self.key) in self.values
        return found != self.negated


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition: the value of `key` is a whole number greater than (or less than) `limit`."""

    key: str
    limit: int
    greater: bool

    def matches(self, present: Mapping[str, str]) -> bool:
        """Whether it holds; never for what is not a number."""
        if not INTEGER.fullmatch(present.get(self.key, "")):
            return False
        found = int(present[self.key])
        return found > self.limit if self.greater else found < self.limit


@dataclass(frozen=True, slots=True)
class Selector:
    """Conditions on labels and on fields; all must hold."""

    labels: tuple[Requirement | Comparison, ...] = ()
    fields: tuple[Requirement, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.labels or self.fields)

    def matches(self, kind: Kind, obj: Obj) -> bool:
        """Whether an object is selected.

        Raises StatusError 400 for a field that this kind cannot be selected by.
        """
        labels = obj["metadata"].get("labels", {})
        if not all(requirement.matches(labels) for requirement in self.labels):
            return False
        return not self.fields or self._fields_match(kind.rules.fields(obj))

    def _fields_match(self, fields: Mapping[str, str]) -> bool:
        return all(requirement.matches(fields) for requirement in self.fields)


def parse(kind: Kind, label_selector: str, field_selector: str) -> Selector:
    """A selector from the query of a list or watch.

    Raises StatusError 400.
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
    """Reads `a=b,c!=d,e in (f,g),h,!i`."""

    def __init__(self, text: str) -> None:
        self._tokens = TOKEN.findall(text)
        self._at = 0

    def parse(self) -> list[Requirement | Comparison]:
        if self._peek() in OPERATORS:
            raise bad_request(f"found '{self._peek()}', expected: !, identifier, or '{END}'")
        found = [self._requirement()]
        while self._peek() == ",":
            self._next()
            if self._peek() in ("", *OPERATORS):
                raise bad_request(f"found '{self._peek()}', expected: identifier after ','")
            found.append(self._requirement())
        if self._peek():
            raise bad_request(f"found '{self._peek()}', expected: ',' or '{END}'")
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _requirement(self) -> Requirement | Comparison:
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
        if operator in ("<", ">"):
            return Comparison(key, self._limit(), operator == ">")
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

    def _limit(self) -> int:
        token = self._value()
        if not INTEGER.fullmatch(token):
            raise bad_request("for 'Gt', 'Lt' operators, the value must be an integer")
        return int(token)

    def _values(self) -> frozenset[str]:
        if self._next() != "(":
            self._at -= 1
            raise _unparsable(f"found '{self._peek()}' expected: '('")
        values = {self._value()}
        while self._peek() == ",":
            self._next()
            values.add(self._value())
        if self._next() != ")":
            self._at -= 1
            raise _unparsable(f"found '{self._peek()}', expected: ',' or ')'")
        return frozenset(values)


def _unparsable(problem: str) -> StatusError:
    return bad_request(f"unable to parse requirement: {problem}")
