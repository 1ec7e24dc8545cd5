"""落後及待處理項目: which indicators want somebody, why, since when, and what their units say of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from indicators.models import QuarterReport

from .attainment import Light, Progress
from .reporting import Reporting
from .results import PlanResults, Result


class Reason(Enum):
    """Why an indicator is listed, in the order in which reasons are told."""

    OVERDUE = "OVERDUE"  # the quarter's report is past its due date and was not submitted
    BEHIND = "BEHIND"  # its planned value
    INCOMPLETE = "INCOMPLETE"
    SHORT = "SHORT"  # the year is estimated to end short of the target
    RED = "RED"
    AMBER = "AMBER"
    WHITE = "WHITE"


_STANDINGS: Mapping[Progress | Light | None, Reason] = {
    Progress.BEHIND: Reason.BEHIND,
    Progress.INCOMPLETE: Reason.INCOMPLETE,
    Light.RED: Reason.RED,
    Light.AMBER: Reason.AMBER,
    Light.WHITE: Reason.WHITE,
}


@dataclass(frozen=True)
class Item:
    """An indicator that wants somebody, as one reader may know of it.

    report is the quarter's one where it counts and the reader may read it, days_late how long it has been
    overdue (0: it is not, or the reader may not know), before the result of the quarter before.
    """

    result: Result
    before: Result | None
    report: QuarterReport | None
    days_late: int

    @property
    def reasons(self) -> list[Reason]:
        found = {_STANDINGS.get(self.result.attainment.light or self.result.attainment.progress)}
        found.add(Reason.SHORT if self.result.estimated_to_miss else None)
        found.add(Reason.OVERDUE if self.days_late else None)
        return [reason for reason in Reason if reason in found]

    @property
    def value_change(self) -> Decimal | None:
        """By how much the value differs from the quarter before; None where either has none."""
        if self.before is None:
            return None
        return _change(self.before.attainment.value.amount, self.result.attainment.value.amount)

    @property
    def attainment_change(self) -> Decimal | None:
        """The same of the attainment, in percentage points."""
        if self.before is None:
            return None
        return _change(self.before.attainment.attainment, self.result.attainment.attainment)


def _change(before: Decimal | None, after: Decimal | None) -> Decimal | None:
    return None if before is None or after is None else after - before


def wanting(results: PlanResults, reporting: Reporting) -> list[Item]:
    """Return what wants somebody, in the order of the plan; reporting is what the reader may follow."""
    return [item for item in _items(results, reporting) if item.reasons]


def _items(results: PlanResults, reporting: Reporting) -> Iterator[Item]:
    reports = {report.indicator_id: report for report in reporting.of(results.quarter)}
    before = {each.indicator.pk: each for each in results.before.results} if results.before else {}
    for result in results.results:
        report = reports.get(result.indicator.pk)
        overdue = report is not None and report.submitted_at is None
        yield Item(
            result,
            before.get(result.indicator.pk),
            report if report and report.status in results.basis.statuses else None,
            reporting.days_late(report) if report and overdue else 0,
        )
