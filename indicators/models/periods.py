"""When a quarter may be reported: periods with their due dates, reopenings, and the reminders sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from objectives.fields import TextField
from objectives.models import Plan, Unit, User
from objectives.roc import gregorian_year, taipei

from .definitions import QUARTERS

SUBMISSION_DAY, ENDORSEMENT_DAY, APPROVAL_DAY = 10, 15, 20


def month_after(roc_year: int, quarter: int) -> date:
    """Return the first day after a quarter: (99, 4) gives 2011-01-01."""
    year = gregorian_year(roc_year)
    return date(year + 1, 1, 1) if quarter == QUARTERS[-1] else date(year, quarter * 3 + 1, 1)


class ReportingPeriodQuerySet(models.QuerySet["ReportingPeriod"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(plan__unit__in=user.rights.units("indicators.view_reportingperiod"))


class ReportingPeriod(models.Model):
    """填報期間: when a plan's quarter opens, when each step is due, and whether it is closed.

    Due dates only tell who is late. Entry is refused before `opens_on`, after `closes_on`, and once an
    administrator has closed the quarter (`closed_at`), unless the unit has a reopening.
    """

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="periods", verbose_name=_("annual plan"))
    quarter = models.PositiveSmallIntegerField(_("quarter"))
    opens_on = models.DateField(_("opens on"))
    submit_by = models.DateField(_("submission due"))
    endorse_by = models.DateField(_("endorsement due"))
    approve_by = models.DateField(_("approval due"))
    closes_on = models.DateField(
        _("last day"), null=True, blank=True, help_text=_("Empty: open until somebody closes it.")
    )
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("closed by"),
    )
    close_reason = TextField(_("reason for closing"), blank=True, editable=False)

    objects = ReportingPeriodQuerySet.as_manager()

    class Meta:
        verbose_name = _("reporting period")
        verbose_name_plural = _("reporting periods")
        ordering = ("plan", "quarter")
        constraints = [
            models.UniqueConstraint(fields=("plan", "quarter"), name="reporting_period_once"),
            models.CheckConstraint(condition=Q(quarter__range=(1, 4)), name="reporting_period_quarter_known"),
            models.CheckConstraint(
                condition=Q(opens_on__lte=F("submit_by"))
                & Q(submit_by__lte=F("endorse_by"))
                & Q(endorse_by__lte=F("approve_by"))
                & (Q(closes_on__isnull=True) | Q(closes_on__gte=F("submit_by"))),
                name="reporting_period_days_in_order",
                violation_error_message=_(
                    "The days must follow each other: opens, submission, endorsement, approval; and the last "
                    "day is not before submission is due."
                ),
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True, close_reason="")
                | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="reporting_period_closed_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return _("%(plan)s, quarter %(quarter)s") % {"plan": self.plan, "quarter": self.quarter}

    @classmethod
    def usual(cls, plan: Plan, quarter: int) -> Self:
        """Return the period with the usual days: the 10th, 15th and 20th of the month after the quarter."""
        first = month_after(plan.year, quarter)
        return cls(
            plan=plan,
            quarter=quarter,
            opens_on=first,
            submit_by=first.replace(day=SUBMISSION_DAY),
            endorse_by=first.replace(day=ENDORSEMENT_DAY),
            approve_by=first.replace(day=APPROVAL_DAY),
        )

    def has_opened(self, now: datetime) -> bool:
        return taipei(now).date() >= self.opens_on

    def is_over(self, now: datetime) -> bool:
        """Say whether the quarter is closed for those without a reopening."""
        ended = self.closes_on is not None and taipei(now).date() > self.closes_on
        return self.closed_at is not None or ended

    def is_overdue(self, now: datetime) -> bool:
        """Say whether submission should have happened by now."""
        return taipei(now).date() > self.submit_by

    def days_late(self, submitted_at: datetime | None, now: datetime) -> int:
        """Return by how many days a submission missed its due date, or has missed it by now; else 0."""
        return max((taipei(submitted_at or now).date() - self.submit_by).days, 0)

    def permission_units(self) -> Iterable[int]:
        return (self.plan.unit_id,)


class ReopeningQuerySet(models.QuerySet["Reopening"]):
    def in_force(self, now: datetime) -> Self:
        return self.filter(until__gt=now, ended_at=None)


class Reopening(models.Model):
    """重新開放: a closed quarter is open again for one unit until a moment, and then by itself no more."""

    period = models.ForeignKey(
        ReportingPeriod, models.PROTECT, related_name="reopenings", verbose_name=_("reporting period")
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name=_("unit"))
    until = models.DateTimeField(_("open until"))
    reason = TextField(_("reason for reopening"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("reopened by")
    )
    at = models.DateTimeField(_("reopened at"))
    ended_at = models.DateTimeField(_("ended early at"), null=True)

    objects = ReopeningQuerySet.as_manager()

    class Meta:
        verbose_name = _("reopening")
        verbose_name_plural = _("reopenings")
        ordering = ("period", "unit", "at")
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="reopening_with_a_reason"),
            models.CheckConstraint(condition=Q(until__gt=F("at")), name="reopening_ends_after_it_begins"),
        ]

    def __str__(self) -> str:
        return f"{self.period} · {self.unit}"

    def permission_units(self) -> Iterable[int]:
        return self.period.permission_units()


class Reminder(models.Model):
    """稽催: what a person was reminded of on a day; one a day at most."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="reminders", verbose_name=_("person")
    )
    day = models.DateField(_("day"))
    subject = TextField(_("subject"))
    body = TextField(_("text"))
    mailed_to = models.EmailField(_("mailed to"), blank=True)

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        ordering = ("-day", "person")
        constraints = [models.UniqueConstraint(fields=("person", "day"), name="reminder_once_a_day")]

    def __str__(self) -> str:
        return f"{self.person} · {self.day}"
