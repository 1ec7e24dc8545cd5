"""What has been reported: the figures of many indicators in a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from .models import Figure, Indicator, QuarterReport, Status


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
    """One indicator's figures by (quarter, symbol), and the quarters declared not applicable."""

    figures: dict[tuple[int, str], Decimal] = field(default_factory=dict)
    not_applicable: set[int] = field(default_factory=set)
    demo: set[int] = field(default_factory=set)  # quarters in which a figure is a demonstration
    unapproved: set[int] = field(default_factory=set)  # quarters in which what counts is not approved yet

    def until(self, quarter: int) -> Reading:
        """Return what was reported for the quarters up to quarter."""
        return Reading(
            {key: value for key, value in self.figures.items() if key[0] <= quarter},
            {q for q in self.not_applicable if q <= quarter},
            {q for q in self.demo if q <= quarter},
            {q for q in self.unapproved if q <= quarter},
        )


def readings(indicators: Iterable[Indicator], basis: Basis) -> dict[int, Reading]:
    """Return the reading of each indicator by its id; two queries however many there are.

    The symbols come from the indicators' `variables` (prefetch them for many indicators): joined to thousands
    of figures, the variables are what PostgreSQL loses its way among where it has no good statistics.
    """
    indicators = list(indicators)
    found = {indicator.pk: Reading() for indicator in indicators}
    symbols = {each.pk: each.symbol for indicator in indicators for each in indicator.variables.all()}
    counted = {"indicator__in": found, "status__in": basis.statuses}
    rows = (
        Figure.objects.order_by()
        .filter(**{f"report__{key}": value for key, value in counted.items()})
        .values_list(
            "report__indicator_id", "report__quarter", "report__status", "variable_id", "value", "demo"
        )
    )
    for indicator, quarter, status, variable, value, demo in rows:
        if variable not in symbols:
            continue  # it came after the indicators were read, and their rules do not know it
        found[indicator].figures[quarter, symbols[variable]] = value
        if demo:
            found[indicator].demo.add(quarter)
        if status != Status.APPROVED:
            found[indicator].unapproved.add(quarter)
    declared = QuarterReport.objects.order_by().filter(**counted).exclude(not_applicable_reason="")
    for indicator, quarter, status in declared.values_list("indicator_id", "quarter", "status"):
        found[indicator].not_applicable.add(quarter)
        if status != Status.APPROVED:
            found[indicator].unapproved.add(quarter)
    return found
