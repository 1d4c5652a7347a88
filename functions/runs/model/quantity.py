"""Kubernetes quantities of CPU, memory and storage, limited to what a pod can have.

Kubernetes accepts any unit for any resource. Here CPU in `Gi` is an error, and so is memory in `m`, thousandths of a
byte.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

THOUSANDTHS: dict[str, int] = {
    "m": 1,
    "": 1000,
    **{suffix: 1000 ** (power + 1) for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), start=1)},
    **{suffix: 1000 * 1024**power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
}
"""The value of each suffix in thousandths (apimachinery, resource.Quantity)."""

MIN_BYTES = 1000 * 1024**2
"""1Mi in thousandths: no container starts in less, and a smaller number usually lacks its unit."""
MAX_BYTES = 1000 * 1024**6
"""1Ei in thousandths: Kubernetes counts bytes in an int64, which ends at 8Ei."""

CPU = "must be an amount of CPU, such as 500m or 2, of 1m to 1000000"
BYTES = "must be an amount of bytes, such as 512Mi or 4Gi, of 1Mi to 1Ei"


def thousandths(text: str) -> int:
    """Return the amount in thousandths (500 for 500m); raise ValueError if the text is not a quantity."""
    number = text.rstrip("KMGTPEikm")
    whole, dot, part = number.partition(".")
    plain = all(digits.isascii() and digits.isdecimal() for digits in ((whole, part) if dot else (whole,)))
    suffix = text[len(number) :]
    if not plain or len(number) > 20 or suffix not in THOUSANDTHS:
        raise ValueError("is not a quantity")
    return round(float(number) * THOUSANDTHS[suffix])


def _as_text(value: Any) -> Any:
    """Return a number, as YAML and JSON read `cpu: 2`, as text."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _cpu(value: str) -> str:
    if value[-1:] not in "m0123456789" or not _within(value, 1, 10**9):
        raise ValueError(CPU)
    return value


def _bytes(value: str) -> str:
    if not _within(value, MIN_BYTES, MAX_BYTES):
        raise ValueError(BYTES)
    return value


def _within(value: str, minimum: int, maximum: int) -> bool:
    try:
        return minimum <= thousandths(value) <= maximum
    except ValueError:
        return False


Cpu = Annotated[str, BeforeValidator(_as_text), AfterValidator(_cpu)]
Bytes = Annotated[str, BeforeValidator(_as_text), AfterValidator(_bytes)]
