"""The result of a benchmark: a figure, a baseline measured in the same run, and the aim for their ratio."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Aim:
    """A limit of figure / baseline: the ratio is at most `limit`, or at least if more is better."""

    limit: float
    at_most: bool = True

    def met(self, ratio: float) -> bool:
        """Return whether the ratio is within the limit."""
        return ratio <= self.limit if self.at_most else ratio >= self.limit

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    figure: float
    unit: str
    baseline: float | None = None
    against: str = ""
    """What the baseline is, in words."""
    aim: Aim | None = None
    hindrance: str = ""
    """Why the aim may be missed, if that is known."""
    empty: float | None = None
    """The same figure of an empty function, for comparison."""

    @property
    def ratio(self) -> float | None:
        """The figure divided by its baseline; None without a baseline."""
        return self.figure / self.baseline if self.baseline else None

    @property
    def verdict(self) -> str:
        """`met` or `missed`; empty without an aim."""
        if self.aim is None or self.ratio is None:
            return ""
        return "met" if self.aim.met(self.ratio) else "missed"


def medians(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """Return the median of each measure; they take turns, so that other load on the machine affects all alike."""
    found = [[measure() for measure in measures] for _ in range(rounds)]
    return [median(values) for values in zip(*found, strict=True)]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of `values` does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
