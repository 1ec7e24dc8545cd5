"""When a quarter is open: the verbs that open and close it, and what every other verb asks first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from ledger.acting import acting
from objectives.fields import refuse_control_characters, trimmed
from objectives.models import Plan, Unit, User
from objectives.permissions import require
from objectives.roc import roc_date, roc_moment

from .. import locks
from ..models import QUARTERS, QuarterReport, Reopening, ReportingPeriod, Status
from .refusals import Closed, Refusal


def create_periods(plan: Plan) -> None:
    """Lay out the plan's four reporting periods with the usual days; those that exist stay as they are."""
    with acting():
        periods = [ReportingPeriod.usual(plan, quarter) for quarter in QUARTERS]
        ReportingPeriod.objects.bulk_create(periods, ignore_conflicts=True)


class Openings:
    """When the quarters of some plans may be reported: read once, asked for any number of reports."""

    def __init__(self, plans: Iterable[Plan], now: datetime) -> None:
        periods = ReportingPeriod.objects.filter(plan__in={plan.pk for plan in plans})
        self.periods = {
            (period.plan_id, period.quarter): period for period in periods.select_related("closed_by")
        }
        self.now = now

    @cached_property
    def _reopened(self) -> set[tuple[int, int]]:
        """Which period is open again for which unit."""
        open_again = Reopening.objects.in_force(self.now).filter(period__in=self.periods.values())
        return set(open_again.values_list("period", "unit"))

    def closed_because(self, plan: Plan, quarter: int, units: Iterable[int]) -> str:
        """Say why nothing can be entered for one of units in the quarter; empty where all of them may."""
        if plan.is_closed:
            return plan.why_closed
        period = self.periods.get((plan.pk, quarter))
        if period and not period.has_opened(self.now):
            return _("Quarter %(quarter)s opens for reporting on %(day)s.") % {
                "quarter": quarter,
                "day": roc_date(period.opens_on),
            }
        return self.over_because(plan, quarter, units)

    def over_because(self, plan: Plan, quarter: int, units: Iterable[int]) -> str:
        """Say why the quarter is over for one of units; empty where it is not, or has not opened yet."""
        period = self.periods.get((plan.pk, quarter))
        if period is None or not period.is_over(self.now):
            return ""
        if all((period.pk, unit) in self._reopened for unit in units):
            return ""
        return _why_closed(period)


def closed_because(plan: Plan, quarter: int, units: Iterable[int], now: datetime) -> str:
    """Say why nothing can be entered for one of units in the quarter now; empty where all of them may."""
    return Openings([plan], now).closed_because(plan, quarter, units)


def _why_closed(period: ReportingPeriod) -> str:
    if period.closed_at:
        words = _("Quarter %(quarter)s was closed by %(person)s on %(moment)s.") % {
            "quarter": period.quarter,
            "person": period.closed_by,
            "moment": roc_moment(period.closed_at),
        }
    else:
        words = _("Reporting for quarter %(quarter)s ended on %(day)s.") % {
            "quarter": period.quarter,
            "day": roc_date(period.closes_on) if period.closes_on else "",
        }
    reason = _("Reason: %(reason)s") % {"reason": period.close_reason} if period.close_reason else ""
    return " ".join(filter(None, [words, reason, _("Ask an administrator to reopen it for your unit.")]))


def require_open(plan: Plan, quarter: int, units: Iterable[int], now: datetime) -> None:
    """Raise Closed unless the quarter is open now for every one of units (their ids)."""
    if why := closed_because(plan, quarter, units, now):
        raise Closed(why)


@contextmanager
def under_the_locks() -> Iterator[None]:
    """Write figures or evidence; raise Closed where the database refuses them.

    The verbs look first, under the ledger's lock, so nothing can close or be approved in between. Only the
    clock does not wait: a reopening may end after the moment that the verb was given.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if locks.MESSAGE not in str(error):
            raise
        raise Closed(
            _("The quarter is closed, or was while you were saving. Ask an administrator to reopen it.")
        ) from error


def _locked(period: ReportingPeriod) -> ReportingPeriod:
    return (
        ReportingPeriod.objects.select_for_update(of=("self",)).select_related("plan__unit").get(pk=period.pk)
    )


def close_period(*, period: ReportingPeriod, by: User, now: datetime, reason: str = "") -> ReportingPeriod:
    """Close a quarter: from now on its figures, texts, evidence, steps and planned values are refused.

    How a response ended can still be recorded. Reopenings that were still in force end. Raises
    PermissionDenied; Refusal where it is closed already.
    """
    with acting(actor=by, reason=trimmed(reason), about=period):
        require(by, "indicators.change_reportingperiod", period)
        refuse_control_characters(reason)
        period = _locked(period)
        if period.closed_at:
            raise Refusal(_why_closed(period))
        period.reopenings.in_force(now).update(ended_at=now)
        period.closed_at, period.closed_by, period.close_reason = now, by, trimmed(reason)
        period.save()
        return period


def open_period(*, period: ReportingPeriod, by: User, now: datetime, reason: str) -> ReportingPeriod:
    """Take the closing of a quarter back, for everybody. Raises PermissionDenied, Refusal."""
    with acting(actor=by, reason=trimmed(reason), about=period):
        require(by, "indicators.change_reportingperiod", period)
        period = _locked(period)
        _refuse_in_closed_year(period)
        if not period.closed_at:
            raise Refusal(_("This quarter is not closed."))
        if not trimmed(reason):
            raise Refusal(_("Give a reason for opening the quarter again."))
        period.closed_at = period.closed_by = None
        period.close_reason = ""
        period.save()
        return period


def reopen_period(
    *, period: ReportingPeriod, unit: Unit, until: datetime, reason: str, by: User, now: datetime
) -> list[Reopening]:
    """Open a closed quarter again for unit and the units below it, until a moment; then it closes by itself.

    Raises PermissionDenied; Refusal where the quarter is not closed, the moment is over, or without a reason.
    """
    with acting(actor=by, reason=trimmed(reason), about=period):
        require(by, "indicators.change_reportingperiod", period)
        refuse_control_characters(reason)
        period = _locked(period)
        _refuse_in_closed_year(period)
        tree = Unit.objects.tree()
        if unit.pk not in tree.below(period.plan.unit_id):
            raise ValidationError(_("This unit does not belong to the plan's agency."))
        if not period.is_over(now):
            raise Refusal(_("This quarter is not closed."))
        if until <= now:
            raise Refusal(_("The moment until which it is open lies in the past."))
        if not trimmed(reason):
            raise Refusal(_("Give a reason for the reopening."))
        below = sorted(tree.below(unit.pk))
        period.reopenings.in_force(now).filter(unit__in=below).update(ended_at=now)
        return Reopening.objects.bulk_create(
            Reopening(period=period, unit_id=each, until=until, reason=trimmed(reason), by=by, at=now)
            for each in below
        )


def _refuse_in_closed_year(period: ReportingPeriod) -> None:
    if period.plan.closed_at:
        raise Closed(period.plan.why_closed)


def close_year(*, plan: Plan, by: User, now: datetime) -> Plan:
    """Close the year: its figures are frozen for good, while their evaluation goes on.

    Raises PermissionDenied; Refusal before the year is over, where it is closed already, or while reports are
    on their way: nobody could decide them any more.
    """
    with acting(actor=by, about=plan):
        require(by, "objectives.close_plan", plan)
        plan = Plan.objects.select_for_update(of=("self",)).select_related("unit").get(pk=plan.pk)
        if plan.closed_at:
            raise Closed(plan.why_closed)
        if not plan.year_is_over(now):
            raise Refusal(_("ROC year %(year)s is not over yet.") % {"year": plan.year})
        on_their_way = QuarterReport.objects.filter(
            indicator__goal__plan=plan, status__in=(Status.SUBMITTED, Status.ENDORSED, Status.RETURNED)
        ).count()
        if on_their_way:
            raise Refusal(
                _("%(number)s quarter reports are submitted or returned and not decided. Decide them first.")
                % {"number": on_their_way}
            )
        for period in plan.periods.filter(closed_at=None):
            close_period(period=period, by=by, now=now)
        Reopening.objects.in_force(now).filter(period__plan=plan).update(ended_at=now)
        plan.closed_at, plan.closed_by = now, by
        plan.save(update_fields=["closed_at", "closed_by"])
        return plan
