"""The fleet: all runs by phase, with counts, filters, queue positions, and the last days in plots."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from flask import render_template, request

from functions.console import page_data, plots
from functions.console.context import Console
from functions.views.fleet import GROUPS, Filter, Fleet, fleet
from functions.views.weekly_usage import week

ROWS = 50
"""Most rows of one phase while several phases are shown."""
ROWS_OF_PHASE = 200
"""Most rows on a page of one phase."""
LONGEST = 200
"""Longest value of a filter, in characters."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A link to the runs of one phase, or to all."""

    phase: str
    label: str
    count: int
    href: str
    is_current: bool


def page(console: Console) -> str:
    """Return the page; the filters are in the query."""
    wanted, number = _filter(request.args), _page_number(request.args)
    now, runs = console.clock(), page_data.runs(console)
    most = ROWS_OF_PHASE if wanted.phase else ROWS
    shown = fleet(runs, page_data.queue(console, runs), wanted, now, most=most, page=number)
    days = week(runs, now)
    return render_template(
        "fleet.html",
        fleet=shown,
        wanted=wanted,
        is_filtered=replace(wanted, phase="") != Filter(),
        tabs=list(_tabs(shown, wanted)),
        week=days,
        plots=[plot for plot in (plots.outcomes(days), plots.spend(days)) if plot.has_data],
        none_at_all=not runs,
        most=most,
        page=number,
        href=_href,
    )


def _filter(query: Mapping[str, str]) -> Filter:
    given = {name: query.get(name, "")[:LONGEST].strip() for name in ("kind", "repository", "service", "agent")}
    phase = query.get("phase", "").capitalize()
    return Filter(text=query.get("q", "")[:LONGEST].strip(), phase=phase if phase in GROUPS else "", **given)


def _page_number(query: Mapping[str, str]) -> int:
    text = query.get("page", "")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _tabs(shown: Fleet, wanted: Filter) -> Iterator[Tab]:
    yield Tab("", "All", shown.total, _href(wanted, phase=""), not wanted.phase)
    for phase in GROUPS:
        count = shown.counts.get(phase, 0)
        if count or phase == wanted.phase:
            yield Tab(phase, phase, count, _href(wanted, phase=phase), phase == wanted.phase)


def _href(wanted: Filter, phase: str, page: int = 1) -> str:
    """Return the address of the fleet with this filter, another phase and a page of it."""
    query = {
        "q": wanted.text,
        "phase": phase.lower(),
        "kind": wanted.kind,
        "repository": wanted.repository,
        "service": wanted.service,
        "agent": wanted.agent,
        "page": str(page) if page > 1 else "",
    }
    text = urlencode({name: value for name, value in query.items() if value})
    return f"/?{text}" if text else "/"
