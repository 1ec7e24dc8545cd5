"""What has been reported: the figures of many indicators in a constant number of queries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from enum import Enum

from django.db.models import Q

from .formula import WORKING
from .models import OPEN_FOR_ENTRY, Figure, Indicator, QuarterReport, Status


class Basis(Enum):
    """Which reports count."""

    OFFICIAL = "official"  # approved ones only
    PROVISIONAL = "provisional"  # 含未審核: submitted and endorsed ones too
    ENTERED = "entered"  # drafts too: for entry pages, never for results

    @property
    def statuses(self) -> tuple[str, ...]:
        if self is Basis.OFFICIAL:
            return (Status.APPROVED,)
        if self is Basis.PROVISIONAL:
            return (Status.APPROVED, Status.ENDORSED, Status.SUBMITTED)
        return tuple(Status.values)


@dataclass
class Reading:
    """One indicator's figures by (quarter, symbol), and the quarters declared not applicable.

    A figure that units gave is the sum of their shares, which stand beside it by the unit's id.
    """

    figures: dict[tuple[int, str], Decimal] = field(default_factory=dict)
    not_applicable: set[int] = field(default_factory=set)
    demo: set[int] = field(default_factory=set)  # quarters in which a figure is a demonstration
    unapproved: set[int] = field(default_factory=set)  # quarters in which what counts is not approved yet
    shares: dict[tuple[int, str], dict[int, Decimal]] = field(default_factory=dict)
    drafts: set[int] = field(default_factory=set)  # quarters still, or again, open for entry
    sharing: Mapping[str, frozenset[int]] = field(default_factory=dict)  # by symbol, who gives a share of it
    approved: set[int] = field(default_factory=set)  # quarters whose report is approved

    @property
    def partial(self) -> set[tuple[int, str]]:
        """The figures of which the share of a unit is missing that gives one by now.

        An approved one was whole when it was approved, and stays so whichever units come later.
        """
        nobody: frozenset[int] = frozenset()
        return {
            (quarter, symbol)
            for (quarter, symbol), given in self.shares.items()
            if quarter not in self.approved and self.sharing.get(symbol, nobody) - given.keys()
        }

    def until(self, quarter: int) -> Reading:
        """Return what was reported for the quarters up to quarter."""
        return self._of(lambda each: each <= quarter)

    def supposing(self, figures: Mapping[tuple[int, str], Decimal]) -> Reading:
        """Return what would have been reported with these figures too, each of them whole."""
        quarters = {quarter for quarter, _symbol in figures}
        return replace(
            self,
            figures={**self.figures, **figures},
            not_applicable=self.not_applicable - quarters,
            shares={key: shares for key, shares in self.shares.items() if key not in figures},
        )

    def without(self, quarter: int) -> Reading:
        """Return what was reported for the other quarters, so that this one can be put in anew."""
        return self._of(lambda each: each != quarter)

    def _of(self, wanted: Callable[[int], bool]) -> Reading:
        return Reading(
            {key: value for key, value in self.figures.items() if wanted(key[0])},
            {quarter for quarter in self.not_applicable if wanted(quarter)},
            {quarter for quarter in self.demo if wanted(quarter)},
            {quarter for quarter in self.unapproved if wanted(quarter)},
            {key: shares for key, shares in self.shares.items() if wanted(key[0])},
            {quarter for quarter in self.drafts if wanted(quarter)},
            self.sharing,
            {quarter for quarter in self.approved if wanted(quarter)},
        )

    def add(self, quarter: int, symbol: str, value: Decimal, unit: int | None) -> None:
        """Take a stored figure in: the whole, or one unit's share of it."""
        key = quarter, symbol
        if unit is not None:
            self.shares.setdefault(key, {})[unit] = value
        with localcontext(WORKING):
            self.figures[key] = self.figures.get(key, Decimal(0)) + value

    def note_status(self, quarter: int, status: str) -> None:
        """Remember how far the report is whose figures count."""
        (self.approved if status == Status.APPROVED else self.unapproved).add(quarter)
        if status in OPEN_FOR_ENTRY:
            self.drafts.add(quarter)


def readings(indicators: Iterable[Indicator], basis: Basis, also: Collection[int] = ()) -> dict[int, Reading]:
    """Return the reading of each indicator by its id; two queries however many there are, a third for shares.

    also are the ids of reports that count whatever their status: what approving them would bring.

    The symbols come from the indicators' `variables` (prefetch them for many indicators): joined to thousands
    of figures, the variables are what PostgreSQL loses its way among where it has no good statistics.
    """
    indicators = list(indicators)
    sharing = _sharing(indicators)
    found = {indicator.pk: Reading(sharing=sharing.get(indicator.pk, {})) for indicator in indicators}
    symbols = {each.pk: each.symbol for indicator in indicators for each in indicator.variables.all()}
    rows = (
        Figure.objects.order_by()
        .filter(_counted("report__", basis, also), report__indicator__in=found)
        .values_list(
            "report__indicator_id",
            "report__quarter",
            "report__status",
            "variable_id",
            "unit_id",
            "value",
            "demo",
        )
    )
    for indicator, quarter, status, variable, unit, value, demo in rows:
        if variable not in symbols:
            continue  # it came after the indicators were read, and their rules do not know it
        found[indicator].add(quarter, symbols[variable], value, unit)
        if demo:
            found[indicator].demo.add(quarter)
        found[indicator].note_status(quarter, status)
    declared = QuarterReport.objects.order_by().filter(_counted("", basis, also), indicator__in=found)
    declared = declared.exclude(not_applicable_reason="")
    for indicator, quarter, status in declared.values_list("indicator_id", "quarter", "status"):
        found[indicator].not_applicable.add(quarter)
        found[indicator].note_status(quarter, status)
    return found


def _sharing(indicators: Iterable[Indicator]) -> dict[int, dict[str, frozenset[int]]]:
    """Return, by indicator and symbol, the units that each give a share; no query where nothing is shared."""
    shared = {
        indicator.pk: (indicator.lead_unit_id, symbols)
        for indicator in indicators
        if (symbols := [each.symbol for each in indicator.variables.all() if each.by_unit])
    }
    if not shared:
        return {}
    contributing = Indicator.contributing_units.through.objects.filter(indicator__in=shared)
    units: dict[int, set[int]] = {indicator: {lead} for indicator, (lead, _symbols) in shared.items()}
    for indicator, unit in contributing.values_list("indicator_id", "unit_id"):
        units[indicator].add(unit)
    return {
        indicator: dict.fromkeys(symbols, frozenset(units[indicator]))
        for indicator, (_lead, symbols) in shared.items()
    }


def _counted(way: str, basis: Basis, also: Collection[int]) -> Q:
    """Say which reports count; way leads to the report."""
    counted = Q(**{f"{way}status__in": basis.statuses})
    return counted | Q(**{f"{way}pk__in": also}) if also else counted
