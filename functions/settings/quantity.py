"""Amounts of CPU, memory and storage, as Kubernetes writes them: what no pod could ever have is refused.

Kubernetes takes any unit for any resource. Here CPU in `Gi` is an error, and memory in `m`, which is thousandths of a
byte, as it comes to nearly nothing.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

THOUSANDTHS: dict[str, int] = {
    "m": 1,
    "": 1000,
    **{suffix: 1000 ** (power + 1) for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), start=1)},
    **{suffix: 1000 * 1024**power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
}
"""What each suffix stands for (apimachinery, resource.Quantity), in thousandths."""

LEAST = 1000 * 1024**2
"""1Mi: a container does not start in less memory, and a smaller number has lost its unit."""
MOST = 1000 * 1024**6
"""1Ei: Kubernetes counts bytes in an int64, which ends at 8Ei."""

CPU = "must be an amount of CPU, such as 500m or 2, of 1m to 1000000"
BYTES = "must be an amount of bytes, such as 512Mi or 4Gi, of 1Mi to 1Ei"


def thousandths(text: str) -> int:
    """The amount in thousandths, so that 500m is 500. Raises ValueError for what is none."""
    number = text.rstrip("KMGTPEikm")
    whole, dot, part = number.partition(".")
    plain = all(digits.isascii() and digits.isdecimal() for digits in ((whole, part) if dot else (whole,)))
    suffix = text[len(number) :]
    if not plain or len(number) > 20 or suffix not in THOUSANDTHS:
        raise ValueError("is no quantity")
    return round(float(number) * THOUSANDTHS[suffix])


def _written(value: Any) -> Any:
    """YAML and JSON read `cpu: 2` as a number."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _cpu(value: str) -> str:
    if value[-1:] not in "m0123456789" or not _within(value, 1, 10**9):
        raise ValueError(CPU)
    return value


def _bytes(value: str) -> str:
    if not _within(value, LEAST, MOST):
        raise ValueError(BYTES)
    return value


def _within(value: str, least: int, most: int) -> bool:
    try:
        return least <= thousandths(value) <= most
    except ValueError:
        return False


Cpu = Annotated[str, BeforeValidator(_written), AfterValidator(_cpu)]
Bytes = Annotated[str, BeforeValidator(_written), AfterValidator(_bytes)]
