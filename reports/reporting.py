"""How a plan's quarter reports stand, as far as a reader may follow them: what is late, by which unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from statistics import median

from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce

from indicators.models import QuarterReport, ReportingPeriod, ReportStep
from indicators.models.reports import QuarterReportQuerySet
from indicators.workflow import Step
from objectives.models import Plan, Unit


@dataclass(frozen=True)
class Reporting:
    """Quarter reports that are asked for, and the periods of their quarters, as of a moment."""

    reports: Sequence[QuarterReport]  # each with `returned`, how often it was returned
    periods: Mapping[int, ReportingPeriod]
    now: datetime

    def of(self, quarter: int) -> list[QuarterReport]:
        return [report for report in self.reports if report.quarter == quarter]

    def days_late(self, report: QuarterReport) -> int:
        """Return by how many days a submission was late, or is by now; 0 where no due date is known."""
        period = self.periods.get(report.quarter)
        return period.days_late(report.submitted_at, self.now) if period else 0

    @property
    def units(self) -> list[UnitReporting]:
        """Return what each lead unit reported, in the order of their codes."""
        by_unit = groupby(self.reports, key=lambda report: report.indicator.lead_unit)
        return [UnitReporting.of(unit, list(reports), self) for unit, reports in by_unit]


@dataclass(frozen=True)
class UnitReporting:
    """A unit's reports: how many were asked for, came in time, came late, are overdue, are due yet.

    median_late is over those that are late or overdue, in days, 0 where there are none; returned counts each
    return of a report.
    """

    unit: Unit
    asked: int
    in_time: int
    late: int
    overdue: int
    due: int
    median_late: int
    returned: int

    @classmethod
    def of(cls, unit: Unit, reports: Sequence[QuarterReport], reporting: Reporting) -> UnitReporting:
        days = [(report.submitted_at is not None, reporting.days_late(report)) for report in reports]
        late = [each for _submitted, each in days if each]
        return cls(
            unit=unit,
            asked=len(reports),
            in_time=days.count((True, 0)),
            late=sum(submitted and each > 0 for submitted, each in days),
            overdue=sum(not submitted and each > 0 for submitted, each in days),
            due=days.count((False, 0)),
            median_late=round(median(late)) if late else 0,
            returned=sum(report.returned for report in reports),  # type: ignore[attr-defined]
        )


def reporting(plan: Plan, *, until: int, reports: QuarterReportQuerySet, now: datetime) -> Reporting:
    """Read the plan's reports up to the quarter `until`; reports are those that the reader may read."""
    returns = ReportStep.objects.filter(report=OuterRef("pk"), step=Step.RETURN.value).order_by()
    counted = returns.values("report").annotate(number=Count("pk")).values("number")
    found = (
        reports.filter(indicator__goal__plan=plan, quarter__lte=until)
        .asked_for()
        .annotate(returned=Coalesce(Subquery(counted, output_field=IntegerField()), 0))
        .select_related("indicator__lead_unit")
        .order_by("indicator__lead_unit__code", "indicator__lead_unit_id", "quarter", "indicator")
    )
    periods = ReportingPeriod.objects.filter(plan=plan)
    return Reporting(list(found), {period.quarter: period for period in periods}, now)
