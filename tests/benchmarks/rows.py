"""What a benchmark comes to: a figure, a baseline measured in the same run, and the aim for their ratio."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Aim:
    """A limit for figure / baseline: `<= 2.5`, or `>= 0.5` where more is better."""

    limit: float
    at_most: bool = True

    def met(self, ratio: float) -> bool:
        """Whether the ratio is within the limit."""
        return ratio <= self.limit if self.at_most else ratio >= self.limit

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.limit:g}"


@dataclass(frozen=True)
class Row:
    """One line of the table; without a baseline the figure stands for itself."""

    what: str
    figure: float
    unit: str
    baseline: float | None = None
    against: str = ""
    aim: Aim | None = None
    hindrance: str = ""
    """What stands between the figure and its aim, where that is known."""

    @property
    def ratio(self) -> float | None:
        """Of the figure to its baseline."""
        return self.figure / self.baseline if self.baseline else None

    @property
    def verdict(self) -> str:
        """Whether the aim is met."""
        if self.aim is None or self.ratio is None:
            return ""
        return "met" if self.aim.met(self.ratio) else "missed"


Benchmark = Callable[[], Iterator[Row]]


def alternating(first: Callable[[], float], second: Callable[[], float], rounds: int) -> tuple[float, float]:
    """The medians of both, measured in turn, so that what else the machine does falls on both."""
    pairs = [(first(), second()) for _ in range(rounds)]
    return median(a for a, _ in pairs), median(b for _, b in pairs)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of `values` does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
