"""What looks wrong with a quarter's figures before they are submitted."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum

from .value import Figures, Rollup, Rule, VariableRule, rolled_up

LEAP = 3


class Problem(Enum):
    """Why a figure is noticed."""

    FALLS = "FALLS"  # a cumulative figure or a stock is below the one before
    LEAPS = "LEAPS"  # more than three times what any earlier quarter had
    EXCEEDS = "EXCEEDS"  # a part is above the whole that it is a part of


@dataclass(frozen=True)
class Finding:
    """A figure that was noticed, and the number that it was compared with."""

    problem: Problem
    symbol: str
    value: Decimal
    other: Decimal
    whole: str = ""  # for EXCEEDS, the symbol of the whole
    later: int | None = None  # the later quarter whose figure it is; None is the quarter asked about

    @property
    def must_be_mended(self) -> bool:
        """Whether it cannot be right; everything else can be explained with a remark."""
        return self.problem is Problem.EXCEEDS


def findings(
    rule: Rule, quarter: int, figures: Figures, not_applicable: Collection[int] = ()
) -> list[Finding]:
    """Return what is noticed about the figures of `quarter`, the year's earlier ones known."""
    if quarter in not_applicable:
        return []
    found: list[Finding] = []
    for variable in rule.variables:
        value = figures.get((quarter, variable.symbol))
        if value is None or variable.yes_no:
            continue
        earlier = [
            figures[before, variable.symbol]
            for before in range(1, quarter)
            if before not in not_applicable and (before, variable.symbol) in figures
        ]
        found += _compared_with_earlier(variable, value, earlier)
    return [*found, *_exceeding(rule, quarter, figures, not_applicable)]


def later_findings(
    rules: Mapping[int, Rule], quarter: int, figures: Figures, not_applicable: Collection[int] = ()
) -> list[Finding]:
    """Return what is noticed about later quarters, by their rules, now that `quarter` has its figures.

    A part above its whole is told in any case. The rest could be explained when the later quarter was
    submitted, so it is told only where it rests on the figures of `quarter`.
    """
    others = {place: value for place, value in figures.items() if place[0] != quarter}
    found: list[Finding] = []
    for later, rule in sorted(rules.items()):
        known = findings(rule, later, others, not_applicable)
        found += [
            replace(each, later=later)
            for each in findings(rule, later, figures, not_applicable)
            if each.must_be_mended or each not in known
        ]
    return found


def _compared_with_earlier(
    variable: VariableRule, value: Decimal, earlier: list[Decimal]
) -> Iterator[Finding]:
    if not earlier:
        return
    if variable.rollup is Rollup.LATEST and not variable.may_fall and value < earlier[-1]:
        yield Finding(Problem.FALLS, variable.symbol, value, earlier[-1])
    highest = max(earlier)
    if highest > 0 and value > LEAP * highest:
        yield Finding(Problem.LEAPS, variable.symbol, value, highest)


def _exceeding(
    rule: Rule, quarter: int, figures: Figures, not_applicable: Collection[int]
) -> Iterator[Finding]:
    by_symbol = {variable.symbol: variable for variable in rule.variables}
    for variable in rule.variables:
        whole = by_symbol.get(variable.not_above)
        if whole is None:
            continue
        part_value = rolled_up(variable, quarter, figures, not_applicable)
        whole_value = rolled_up(whole, quarter, figures, not_applicable)
        if part_value is not None and whole_value is not None and part_value > whole_value:
            yield Finding(Problem.EXCEEDS, variable.symbol, part_value, whole_value, whole.symbol)
