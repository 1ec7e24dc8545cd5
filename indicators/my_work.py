"""What is due from a person, in whatever roles they hold: by quarter, each thing with its due date."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from functools import cached_property

from django.db.models import Count, Prefetch, prefetch_related_objects
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from objectives.models import Unit, User, WorkItem
from objectives.roc import taipei

from . import workflow
from .models import ItemProgress, QuarterReport, Reopening, ReportingPeriod, Status
from .models.reports import QuarterReportQuerySet
from .readings import Basis, Reading, readings
from .worksheet import plan_of

ENTER = "indicators.change_quarterreport"
ENDORSE = "indicators.endorse_quarterreport"
APPROVE = "indicators.approve_quarterreport"

Periods = Sequence[ReportingPeriod]


class Kind(Enum):
    """What there is to do; in this order within a quarter."""

    FILL_IN = "fill-in"
    SHARE = "share"
    PROGRESS = "progress"
    FOLLOW_UP = "follow-up"
    ENDORSE = "endorse"
    APPROVE = "approve"

    @property
    def label(self) -> Promise:
        return KINDS[self]


KINDS: dict[Kind, Promise] = {
    Kind.FILL_IN: gettext_lazy("Fill in and submit"),
    Kind.SHARE: gettext_lazy("Enter your unit's share"),
    Kind.PROGRESS: gettext_lazy("Write the progress of work items"),
    Kind.FOLLOW_UP: gettext_lazy("Follow up the response"),
    Kind.ENDORSE: gettext_lazy("Endorse"),
    Kind.APPROVE: gettext_lazy("Approve or return"),
}


class Standing(Enum):
    """Where a report stands, a draft that nobody has begun told apart from one in the making."""

    EMPTY = "empty"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    ENDORSED = "endorsed"
    APPROVED = "approved"
    RETURNED = "returned"

    @property
    def symbol(self) -> str:
        return STANDINGS[self][0]

    @property
    def label(self) -> Promise:
        return STANDINGS[self][1]

    @classmethod
    def of(cls, status: str, *, begun: bool) -> Standing:
        return cls.EMPTY if status == Status.DRAFT and not begun else cls[status]


STANDINGS: dict[Standing, tuple[str, Promise]] = {
    Standing.EMPTY: ("－", gettext_lazy("Not begun")),
    Standing.DRAFT: ("○", gettext_lazy("In progress")),
    Standing.SUBMITTED: ("→", gettext_lazy("Sent for review")),
    Standing.ENDORSED: ("◐", gettext_lazy("Endorsed")),
    Standing.APPROVED: ("✓", gettext_lazy("Passed review")),
    Standing.RETURNED: ("↩", gettext_lazy("Sent back")),
}


def worksheet_url(plan_year: int, quarter: int, unit: Unit) -> str:
    """Return the address of a unit's worksheet for a quarter."""
    return reverse("worksheet", args=[plan_year, quarter, unit.code])


def due_words(days_left: int) -> str:
    """Say how far a due date is away: 逾期 2 日, 今日到期, 尚餘 3 日."""
    if days_left < 0:
        return ngettext("%(days)s day overdue", "%(days)s days overdue", -days_left) % {"days": -days_left}
    if days_left == 0:
        return _("due today")
    return ngettext("%(days)s day left", "%(days)s days left", days_left) % {"days": days_left}


@dataclass(frozen=True, kw_only=True)
class Task:
    """One thing that is due from a person, for a unit in a reporting period."""

    kind: Kind
    period: ReportingPeriod
    unit: Unit
    today: date
    report: QuarterReport | None = None
    items: tuple[WorkItem, ...] = ()  # of PROGRESS: those of which nothing is written yet
    shares_of: frozenset[int] = frozenset()  # of SHARE: the ids of the person's units
    reading: Reading | None = None  # of FILL_IN, once explained: what was entered for the indicator

    @property
    def due(self) -> date:
        if self.kind is Kind.ENDORSE:
            return self.period.endorse_by
        if self.kind is Kind.APPROVE:
            return self.period.approve_by
        if self.kind is Kind.FOLLOW_UP and self.report and self.report.improve_by:
            return self.report.improve_by
        return self.period.submit_by

    @property
    def days_left(self) -> int:
        """Days until it is due; below 0 it is overdue."""
        return (self.due - self.today).days

    @property
    def is_overdue(self) -> bool:
        return self.days_left < 0

    @property
    def due_words(self) -> str:
        return due_words(self.days_left)

    @property
    def standing(self) -> Standing:
        if self.report is None:
            return Standing.EMPTY
        return Standing.of(self.report.status, begun=self.report.changed_at is not None)

    @property
    def is_returned(self) -> bool:
        return self.standing is Standing.RETURNED

    @property
    def subject(self) -> str:
        """What it is about, in a line."""
        if self.report:
            return str(self.report.indicator)
        return ngettext("%(number)s work item", "%(number)s work items", len(self.items)) % {
            "number": len(self.items)
        }

    @cached_property
    def lacking(self) -> list[str]:
        """What is still missing, in sentences."""
        if self.report is None:
            names = _(", ").join(item.name for item in self.items)
            return [_("Not written yet: %(names)s.") % {"names": names}]
        if self.kind is Kind.FILL_IN:
            obstacles = list(workflow.obstacles(self.report, self.reading))
            # Before the figures are there it is too early to say that the value is behind.
            return obstacles[:1] if self.standing is Standing.EMPTY else obstacles
        if self.kind is Kind.FOLLOW_UP:
            return [_("Response: %(text)s") % {"text": self.report.response}]
        shares = _(", ").join(_missing_shares(self.report, self.shares_of))
        return [_("Missing: %(figures)s.") % {"figures": shares}] if shares else []

    @property
    def worksheet(self) -> str:
        return worksheet_url(self.period.plan.year, self.period.quarter, self.unit)

    @property
    def url(self) -> str:
        """The page on which it is done: the report's own, or the unit's worksheet."""
        if self.report is None:
            return self.worksheet
        return reverse("admin:indicators_quarterreport_change", args=[self.report.pk])


def _missing_shares(report: QuarterReport, units: Collection[int]) -> Iterator[str]:
    for variable, unit in workflow.missing_figures(report):
        if unit and unit.pk in units:
            yield _("%(name)s (%(unit)s)") % {"name": variable.name, "unit": unit}


def opened_periods(user: User, now: datetime) -> list[ReportingPeriod]:
    """Return the periods of user's agencies that have opened, closed ones included, the newest first.

    Of years that are closed only the newest is told of, of a year in preparation nothing. Their `reopenings`
    are those in force now.
    """
    periods = list(
        ReportingPeriod.objects.visible_to(user)
        .filter(opens_on__lte=taipei(now).date())
        .exclude(plan__predecessor__isnull=False, plan__adopted_on=None)
        .select_related("plan__unit", "plan__closed_by", "closed_by")
        .prefetch_related(Prefetch("reopenings", Reopening.objects.in_force(now)))
        .order_by("-plan__year", "-quarter", "plan__unit__code")
    )
    newest = max((period.plan.year for period in periods), default=0)
    return [period for period in periods if not period.plan.is_closed or period.plan.year == newest]


def unit_pages(user: User, periods: Periods, permission: str, view: str) -> dict[int, list[tuple[Unit, str]]]:
    """Return, by the id of a period, the pages of the units over which user holds the permission.

    Where a person has units below each other, the topmost one's page holds what is theirs.
    """
    mine = user.rights.units(permission)
    units = list(Unit.objects.filter(pk__in=mine).exclude(parent__in=mine).order_by("code"))
    years = {period.plan.year for period in periods}
    plans = {(unit, year): plan_of(unit, year, user) for unit in units for year in years}
    return {
        period.pk: [
            (unit, reverse(view, args=[period.plan.year, period.quarter, unit.code]))
            for unit in units
            if plans[unit, period.plan.year] == period.plan
        ]
        for period in periods
    }


def is_open(period: ReportingPeriod, unit: int, now: datetime) -> bool:
    """Say whether unit (its id) may still work on the quarter; period as `opened_periods` gives it."""
    reopened = any(reopening.unit_id == unit for reopening in period.reopenings.all())
    return not period.plan.is_closed and (not period.is_over(now) or reopened)


def _told(reports: QuarterReportQuerySet) -> QuarterReportQuerySet:
    """Return reports in the plan's order, with what a task says of them."""
    return reports.select_related("indicator__goal__plan", "indicator__lead_unit", "returned_by").order_by(
        "indicator__goal__outline_number", "indicator__number", "quarter"
    )


def _counted(reports: QuarterReportQuerySet) -> QuarterReportQuerySet:
    """Return reports in any order, with no more than it takes to find the tasks."""
    return (
        reports.select_related("indicator__goal", "indicator__lead_unit")
        .only("quarter", "status", "improve_by", "indicator__goal__plan", "indicator__lead_unit__code")
        .order_by()
    )


def _period_of(report: QuarterReport, periods: Periods) -> ReportingPeriod:
    plan = report.indicator.goal.plan_id
    return next(each for each in periods if (each.plan_id, each.quarter) == (plan, report.quarter))


Reports = QuarterReportQuerySet


def _to_fill_in(user: User, reports: Reports, periods: Periods, today: date) -> Iterator[Task]:
    """Yield the reports of user's units that are to be filled in."""
    return _of_reports(Kind.FILL_IN, reports.to_fill_in(user.rights.units(ENTER)), periods, today)


def _to_endorse(user: User, reports: Reports, periods: Periods, today: date) -> Iterator[Task]:
    return _of_reports(Kind.ENDORSE, reports.to_endorse(user), periods, today)


def _to_approve(user: User, reports: Reports, periods: Periods, today: date) -> Iterator[Task]:
    return _of_reports(Kind.APPROVE, reports.to_approve(user), periods, today)


def _of_reports(kind: Kind, reports: QuarterReportQuerySet, periods: Periods, today: date) -> Iterator[Task]:
    for report in reports:
        period, unit = _period_of(report, periods), report.indicator.lead_unit
        yield Task(kind=kind, period=period, unit=unit, today=today, report=report)


def _to_share(user: User, reports: Reports, periods: Periods, today: date) -> Iterator[Task]:
    """Yield the reports of others in which a share of user's units is missing, or that were returned."""
    units = user.rights.units(ENTER)
    related = ("figures", "indicator__variables", "indicator__contributing_units")
    for report in reports.to_share(units).prefetch_related(*related):
        mine = [unit for unit in report.indicator.participants if unit.pk in units]
        missing = {unit.pk for _variable, unit in workflow.missing_figures(report) if unit}
        asked = [unit for unit in mine if unit.pk in missing] or mine
        if report.status == Status.RETURNED or not missing.isdisjoint(units):
            period = _period_of(report, periods)
            yield Task(
                kind=Kind.SHARE, period=period, unit=asked[0], today=today, report=report, shares_of=units
            )


def _to_write(user: User, _reports: Reports, periods: Periods, today: date) -> Iterator[Task]:
    """Yield, for each unit and period, the work items of whose progress nothing is written."""
    plans = {period.plan_id for period in periods}
    items = list(
        WorkItem.objects.led_by(user.rights.units(ENTER))
        .filter(work_plan__plan__in=plans)
        .select_related("work_plan", "lead_unit")
    )
    written = set(ItemProgress.objects.written().filter(item__in=items).values_list("item", "quarter"))
    for period in periods:
        by_unit: dict[Unit, list[WorkItem]] = {}
        for item in items:
            if item.work_plan.plan_id == period.plan_id and (item.pk, period.quarter) not in written:
                by_unit.setdefault(item.lead_unit or period.plan.unit, []).append(item)
        for unit, theirs in by_unit.items():
            yield Task(kind=Kind.PROGRESS, period=period, unit=unit, today=today, items=tuple(theirs))


def _to_follow_up(user: User, reports: Reports, periods: Periods, today: date) -> Iterator[Task]:
    """Yield the open responses: of earlier quarters than the newest, and those whose day has come."""
    newest: dict[int, ReportingPeriod] = {}
    for period in periods:
        newest.setdefault(period.plan_id, period)
    for report in reports.to_follow_up(user.rights.units(ENTER)):
        period = newest[report.indicator.goal.plan_id]
        due = report.improve_by is not None and report.improve_by <= today
        if report.quarter < period.quarter or (due and not report.is_open_for_entry):
            unit = report.indicator.lead_unit
            yield Task(kind=Kind.FOLLOW_UP, period=period, unit=unit, today=today, report=report)


Part = Callable[[User, Reports, Periods, date], Iterator[Task]]

# What each permission makes a person's business.
PARTS: tuple[tuple[str, Part], ...] = (
    (ENTER, _to_fill_in),
    (ENTER, _to_share),
    (ENTER, _to_write),
    (ENTER, _to_follow_up),
    (ENDORSE, _to_endorse),
    (APPROVE, _to_approve),
)


def tasks(user: User, now: datetime, periods: Periods | None = None) -> list[Task]:
    """Return everything that is due from user: the newest quarter first, in it what was returned first.

    periods are those of `opened_periods`. A constant number of queries, none for whoever neither enters nor
    decides; what each lacks is asked after `explain`.
    """
    if not _parts(user):
        return []
    periods = opened_periods(user, now) if periods is None else periods
    order = {period.pk: place for place, period in enumerate(periods)}
    found = list(_found(user, _told(QuarterReport.objects.of_periods(periods)), periods, now))
    kinds = list(Kind)
    found.sort(key=lambda task: (order[task.period.pk], not task.is_returned, kinds.index(task.kind)))
    return found


def number_of_tasks(user: User, now: datetime) -> int:
    """Count `tasks`, in less than half the time: every page of a person who has any does so."""
    if not _parts(user):
        return 0
    periods = opened_periods(user, now)
    return sum(1 for _task in _found(user, _counted(QuarterReport.objects.of_periods(periods)), periods, now))


def _parts(user: User) -> list[Part]:
    return [part for permission, part in PARTS if user.rights.units(permission)]


def _found(user: User, reports: Reports, periods: Periods, now: datetime) -> Iterator[Task]:
    for part in _parts(user):
        for task in part(user, reports, periods, taipei(now).date()):
            if is_open(task.period, task.unit.pk, now) or task.kind is Kind.FOLLOW_UP:
                yield task


def explain(found: Iterable[Task]) -> list[Task]:
    """Return the tasks with what it takes to say what they lack; a constant number of queries."""
    found = list(found)
    reports = [task.report for task in found if task.kind is Kind.FILL_IN and task.report]
    prefetch_related_objects(reports, "figures", *(f"indicator__{name}" for name in workflow.DEFINED_BY))
    read = readings([report.indicator for report in reports], Basis.ENTERED)
    return [
        replace(task, reading=read.get(task.report.indicator_id)) if task.report else task for task in found
    ]


@dataclass(frozen=True)
class Progress:
    """How many of a unit's reports that are asked for in a quarter stand where."""

    period: ReportingPeriod
    unit: Unit
    counts: dict[Standing, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def print_url(self) -> str:
        return reverse("print_unit", args=[self.period.plan.year, self.period.quarter, self.unit.code])

    @property
    def bars(self) -> list[tuple[Standing, str, str]]:
        """The stacked bar: each standing's beginning and width in percent, as SVG wants them."""
        bars, start = [], 0
        for standing in BAR:
            count = self.counts[standing]
            if count:
                bars.append((standing, _percent(start, self.total), _percent(count, self.total)))
            start += count
        return bars


# The bar begins with what is done.
BAR = (
    Standing.APPROVED,
    Standing.ENDORSED,
    Standing.SUBMITTED,
    Standing.DRAFT,
    Standing.RETURNED,
    Standing.EMPTY,
)


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.3%}"


def progress(user: User, periods: Periods) -> list[Progress]:
    """Return how far the units are for which user enters, endorses or approves; three queries."""
    units = frozenset().union(*(user.rights.units(each) for each in (ENTER, ENDORSE, APPROVE)))
    counted: dict[tuple[int, int, int], dict[Standing, int]] = {}
    rows = (
        QuarterReport.objects.of_periods(periods)
        .asked_for()
        .filter(indicator__lead_unit__in=units)
        .order_by()
        .values_list("indicator__goal__plan", "quarter", "indicator__lead_unit", "status")
        .annotate(begun=Count("changed_at"), number=Count("pk"))
    )
    for plan, quarter, unit, status, begun, number in rows:
        counts = counted.setdefault((plan, quarter, unit), dict.fromkeys(Standing, 0))
        if status == Status.DRAFT:
            counts[Standing.DRAFT] += begun
            counts[Standing.EMPTY] += number - begun
        else:
            counts[Standing[status]] += number
    named = Unit.objects.order_by("code").in_bulk({unit for _plan, _quarter, unit in counted})
    return [
        Progress(period, unit, counted[period.plan_id, period.quarter, unit.pk])
        for period in periods
        for unit in sorted(named.values(), key=lambda unit: unit.code)
        if (period.plan_id, period.quarter, unit.pk) in counted
    ]
