"""The plots of a week, as rectangles in the coordinates of an SVG's viewBox. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.views.formatting import dollars
from functions.views.weekly_usage import ENDS, Day, Week

WIDTH, HEIGHT = 336, 96
"""The size of the area for bars, in units of the viewBox."""
SLOT = WIDTH / 7
BAR = 22
GAP = 1.5
"""Between stacked parts."""


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle; `style` is a class of the style sheet, `label` says what it stands for."""

    style: str
    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of one day, with the text above it."""

    day: str
    middle: float
    top: float
    value: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars, one for each day, and the same in words for those who cannot see them."""

    title: str
    legend: Sequence[tuple[str, str]]
    """Style and meaning of each colour."""
    bars: Sequence[Bar]

    @property
    def has_data(self) -> bool:
        """Whether any day has a bar."""
        return any(bar.parts for bar in self.bars)


def outcomes(week: Week) -> Plot:
    """Return how many runs ended each day, stacked by outcome."""
    largest = max(1, *(day.outcomes.total() for day in week.days))
    bars = [_outcomes_bar(day, index, largest) for index, day in enumerate(week.days)]
    counts = week.outcomes
    legend = [(phase.lower(), f"{counts.get(phase, 0)} {phase.lower()}") for phase in ENDS]
    return Plot("Outcomes by day", legend, bars)


def spend(week: Week) -> Plot:
    """Return what each day cost."""
    largest = max(0.01, *(day.cost for day in week.days))
    bars = [_spend_bar(day, index, largest) for index, day in enumerate(week.days)]
    return Plot("Spend by day", [("spend", f"most {dollars(max(day.cost for day in week.days))}")], bars)


def _outcomes_bar(day: Day, index: int, largest: int) -> Bar:
    x, y = _left(index), float(HEIGHT)
    parts = []
    for phase in ENDS:
        count = day.outcomes[phase]
        if count:
            height = count / largest * HEIGHT
            y -= height
            parts.append(Part(phase.lower(), f"{count} {phase.lower()}", x, y, BAR, max(1.0, height - GAP)))
    total = day.outcomes.total()
    return Bar(f"{day.date:%a}", x + BAR / 2, y, str(total) if total else "", parts)


def _spend_bar(day: Day, index: int, largest: float) -> Bar:
    x, height = _left(index), day.cost / largest * HEIGHT
    y = HEIGHT - height
    parts = [Part("spend", dollars(day.cost), x, y, BAR, max(1.0, height))] if day.cost else []
    return Bar(f"{day.date:%a}", x + BAR / 2, y, _short_dollars(day.cost) if day.cost else "", parts)


def _short_dollars(amount: float) -> str:
    return dollars(amount) if amount < 10 else f"${amount:,.0f}"


def _left(index: int) -> float:
    return index * SLOT + (SLOT - BAR) / 2
