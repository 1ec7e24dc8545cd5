"""Several years side by side: an indicator with those it was made from and those made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from indicators.models import QUARTERS, Indicator
from objectives.models import User

from .presentation import Row
from .results import indicator_results, plan_indicators
from .selection import Selection


@dataclass(frozen=True)
class Year:
    """An indicator's result in one year."""

    row: Row
    quarter: int
    year_over: bool
    chosen: bool  # whether it is the year that the page is about
    query: str

    @property
    def year(self) -> int:
        return self.row.indicator.goal.plan.year


def years(indicator: Indicator, selection: Selection, user: User) -> list[Year]:
    """Return the indicator's years that user may see, the earliest first; empty where there is only one.

    A year that is over stands at its end, any other at the quarter that the page asks for.
    """
    chain = list(_chain(indicator, user))
    if len(chain) < 2:
        return []
    return [_year(each, indicator, selection) for each in chain]


def _chain(indicator: Indicator, user: User) -> Iterator[Indicator]:
    """Yield predecessors, the indicator and successors; a gap in what is visible ends it."""
    visible = Indicator.objects.visible_to(user).select_related("goal__plan__unit")
    before: list[Indicator] = []
    earlier = visible.filter(successors=indicator).first() if indicator.predecessor_id else None
    while earlier:
        before.append(earlier)
        earlier = visible.filter(successors=earlier).first()
    yield from reversed(before)
    later: Indicator | None = indicator
    while later:
        yield later
        later = visible.filter(predecessor=later).first()


def _year(indicator: Indicator, shown: Indicator, selection: Selection) -> Year:
    plan = indicator.goal.plan
    year_over = plan.year_is_over(selection.at.now)
    quarter = QUARTERS[-1] if year_over else selection.quarter
    [result] = indicator_results(
        plan,
        plan_indicators(plan).filter(pk=indicator.pk),
        quarter=quarter,
        year_over=year_over,
        basis=selection.basis,
    )
    queries = {choice.name: choice.query for choice in selection.years}
    return Year(Row(result), quarter, year_over, indicator.pk == shown.pk, queries.get(plan.year, ""))
