"""Validation of names, labels and finalizers, with the error texts of Kubernetes.

Patterns and wordings: k8s.io/apimachinery/pkg/util/validation/validation.go.
"""

import re
from collections.abc import Iterator

SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
LABEL_VALUE = rf"({QUALIFIED})?"
CONFIG_KEY = r"[-._a-zA-Z0-9]+"

_ALPHANUMERIC_ENDS = "and must start and end with an alphanumeric character"


def matches(pattern: str, text: str) -> bool:
    """Return whether the whole text matches."""
    return re.fullmatch(pattern, text) is not None


def byte_length(text: str) -> int:
    """Return the length in UTF-8; a lone surrogate, which cannot be encoded, counts as one byte."""
    return len(text.encode(errors="replace"))


def subdomain_problems(name: str) -> Iterator[str]:
    """Yield the problems of a name of most kinds."""
    if len(name) > 253:
        yield "must be no more than 253 characters"
    if not re.fullmatch(SUBDOMAIN, name):
        yield (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
            f"{_ALPHANUMERIC_ENDS} (e.g. 'example.com', regex used for validation is '{SUBDOMAIN}')"
        )


def label_name_problems(name: str) -> Iterator[str]:
    """Yield the problems of a name without dots, such as a namespace's."""
    if len(name) > 63:
        yield "must be no more than 63 characters"
    if not re.fullmatch(LABEL, name):
        yield (
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
            f"{_ALPHANUMERIC_ENDS} (e.g. 'my-name',  or '123-abc', regex used for validation is '{LABEL}')"
        )


def qualified_name_problems(name: str) -> Iterator[str]:
    """Yield the problems of a label key, annotation key or finalizer: `[prefix/]name`."""
    prefix, slash, last = name.rpartition("/")
    if slash and not prefix:
        yield "prefix part must be non-empty"
    for problem in subdomain_problems(prefix) if prefix else ():
        yield f"prefix part {problem}"
    if not last:
        yield "name part must be non-empty"
    elif len(last) > 63:
        yield "name part must be no more than 63 characters"
    if not re.fullmatch(QUALIFIED, last):
        yield (
            f"name part must consist of alphanumeric characters, '-', '_' or '.', {_ALPHANUMERIC_ENDS} "
            f"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{QUALIFIED}')"
        )


def label_value_problems(value: str) -> Iterator[str]:
    """Yield the problems of a label's value."""
    if len(value) > 63:
        yield "must be no more than 63 characters"
    if not re.fullmatch(LABEL_VALUE, value):
        yield (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
            f"{_ALPHANUMERIC_ENDS} "
            f"(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '{LABEL_VALUE}')"
        )
