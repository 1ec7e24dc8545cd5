"""What is reported in a quarter: reports with their figures, and the progress of work items."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from objectives.fields import CharField, TextField
from objectives.models import Unit, User, WorkItem

from ..fields import QuantityField, within_range
from .definitions import Indicator, Variable
from .periods import ReportingPeriod


class Status(models.TextChoices):
    """Where a quarter report stands; `workflow.TRANSITIONS` says how it moves."""

    DRAFT = "DRAFT", _("Draft")
    SUBMITTED = "SUBMITTED", _("Submitted")
    ENDORSED = "ENDORSED", _("Endorsed by the head of unit")
    APPROVED = "APPROVED", _("Approved")
    RETURNED = "RETURNED", _("Returned for correction")


# Figures may be typed into drafts and into what was returned, and nowhere else.
OPEN_FOR_ENTRY = (Status.DRAFT, Status.RETURNED)


class QuarterReportQuerySet(models.QuerySet["QuarterReport"]):
    def visible_to(self, user: User) -> Self:
        """Reports with drafts and remarks: those that user's units lead or contribute to."""
        units = user.rights.units("indicators.view_quarterreport")
        contributed = Indicator.contributing_units.through.objects.filter(
            indicator=OuterRef("indicator"), unit__in=units
        )
        return self.filter(Q(indicator__lead_unit__in=units) | Exists(contributed))

    def approved(self) -> Self:
        return self.filter(status=Status.APPROVED)

    def of_periods(self, periods: Iterable[ReportingPeriod]) -> Self:
        """Reports of the quarters, each of its plan, that periods are about."""
        theirs = "indicator__goal__plan__periods"
        return self.filter(**{f"{theirs}__in": periods, f"{theirs}__quarter": F("quarter")})

    def asked_for(self) -> Self:
        """Reports of quarters in which a figure is due, and what was submitted or returned all the same."""
        due = Variable.objects.filter(
            indicator=OuterRef("indicator"),
            memo=False,
            due_quarters__contains=Cast(OuterRef("quarter"), models.TextField()),
        )
        asked = Q(Exists(due), indicator__not_applicable_reason="")
        return self.filter(asked | ~Q(status=Status.DRAFT))

    def to_fill_in(self, units: Iterable[int]) -> Self:
        """Drafts and returned reports of indicators that units lead."""
        waiting = self.asked_for().filter(status__in=OPEN_FOR_ENTRY)
        return waiting.filter(indicator__lead_unit__in=units)

    def to_share(self, units: Iterable[int]) -> Self:
        """Drafts and returned reports of others' indicators of which units give a share."""
        contributed = Indicator.contributing_units.through.objects.filter(
            indicator=OuterRef("indicator"), unit__in=units
        )
        shared = Variable.objects.filter(indicator=OuterRef("indicator"), by_unit=True)
        waiting = self.asked_for().filter(status__in=OPEN_FOR_ENTRY)
        return waiting.filter(Exists(contributed), Exists(shared)).exclude(indicator__lead_unit__in=units)

    def to_endorse(self, user: User) -> Self:
        """Reports that wait for user's endorsement."""
        units = user.rights.units("indicators.endorse_quarterreport")
        waiting = self.filter(status=Status.SUBMITTED, indicator__goal__plan__head_step=True)
        return waiting.filter(indicator__lead_unit__in=units).not_the_work_of(user)

    def to_approve(self, user: User) -> Self:
        """Reports that wait for user's approval: endorsed, or submitted where nobody endorses."""
        units = user.rights.units("indicators.approve_quarterreport")
        endorsed = Q(status=Status.ENDORSED)
        without_heads = Q(status=Status.SUBMITTED, indicator__goal__plan__head_step=False)
        waiting = self.filter(endorsed | without_heads, indicator__lead_unit__in=units)
        return waiting.not_the_work_of(user)

    def not_the_work_of(self, user: User) -> Self:
        """Four eyes: reports that user never submitted nor changed, in an earlier round either."""
        submitted = ReportStep.objects.filter(report=OuterRef("pk"), step="SUBMIT", by=user)
        return self.exclude(Q(submitted_by=user) | Q(editors=user) | Exists(submitted))

    def to_follow_up(self, units: Iterable[int]) -> Self:
        """Reports that units lead, no drafts, whose 因應對策 nobody has marked done yet."""
        led = self.filter(indicator__lead_unit__in=units, indicator__goal__plan__closed_at=None)
        led = led.exclude(status=Status.DRAFT)
        return led.filter(followed_up_at=None).exclude(response="")


class QuarterReport(models.Model):
    """季填報: one indicator in one quarter. Its status is set by the verbs in `workflow` alone."""

    indicator = models.ForeignKey(
        Indicator, models.PROTECT, related_name="reports", verbose_name=_("indicator")
    )
    quarter = models.PositiveSmallIntegerField(_("quarter"))
    status = CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    remark = TextField(_("progress remark"), blank=True)
    not_applicable_reason = TextField(_("not applicable this quarter, because"), blank=True)
    lag_reason = TextField(_("reason for falling behind"), blank=True)
    response = TextField(_("response"), blank=True)
    improve_by = models.DateField(_("improvement due by"), null=True, blank=True)
    coordination = TextField(_("matters that need coordination"), blank=True)
    check_note = TextField(_("explanation of what was noticed"), blank=True)
    followed_up_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("response completed by"),
    )
    followed_up_at = models.DateTimeField(_("response completed at"), null=True)
    followed_up_note = TextField(_("how the response ended"), blank=True)
    editors = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="+", blank=True, verbose_name=_("changed by")
    )
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("last changed by"),
    )
    changed_at = models.DateTimeField(_("last changed at"), null=True)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("submitted by")
    )
    submitted_at = models.DateTimeField(_("submitted at"), null=True)
    endorsed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("endorsed by")
    )
    endorsed_at = models.DateTimeField(_("endorsed at"), null=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("approved by")
    )
    approved_at = models.DateTimeField(_("approved at"), null=True)
    returned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("returned by")
    )
    returned_at = models.DateTimeField(_("returned at"), null=True)
    return_reason = TextField(_("reason for the return"), blank=True)
    version = models.PositiveIntegerField(_("version"), default=0)
    demo = models.BooleanField(_("demonstration"), default=False)

    objects = QuarterReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("quarter report")
        verbose_name_plural = _("quarter reports")
        ordering = ("indicator", "quarter")
        constraints = [
            models.UniqueConstraint(fields=("indicator", "quarter"), name="quarter_report_once"),
            models.CheckConstraint(condition=Q(quarter__range=(1, 4)), name="quarter_report_quarter_known"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="quarter_report_status_known"),
            models.CheckConstraint(
                condition=Q(followed_up_by__isnull=True, followed_up_at__isnull=True, followed_up_note="")
                | (Q(followed_up_by__isnull=False, followed_up_at__isnull=False) & ~Q(response="")),
                name="quarter_report_response_completed_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(changed_by__isnull=True, changed_at__isnull=True)
                | Q(changed_by__isnull=False, changed_at__isnull=False),
                name="quarter_report_changed_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=False, approved_at__isnull=False, status="APPROVED")
                | (Q(approved_by__isnull=True, approved_at__isnull=True) & ~Q(status="APPROVED")),
                name="quarter_report_approved_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(
                    submitted_by__isnull=False,
                    submitted_at__isnull=False,
                    status__in=["SUBMITTED", "ENDORSED", "APPROVED"],
                )
                | (
                    Q(submitted_by__isnull=True, submitted_at__isnull=True)
                    & Q(status__in=["DRAFT", "RETURNED"])
                ),
                name="quarter_report_submitted_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(
                    endorsed_by__isnull=False, endorsed_at__isnull=False, status__in=["ENDORSED", "APPROVED"]
                )
                | (Q(endorsed_by__isnull=True, endorsed_at__isnull=True) & ~Q(status="ENDORSED")),
                name="quarter_report_endorsed_by_someone",
            ),
            models.CheckConstraint(
                condition=~Q(status="RETURNED")
                | (Q(returned_by__isnull=False, returned_at__isnull=False) & ~Q(return_reason="")),
                name="quarter_report_returned_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return _("%(indicator)s, quarter %(quarter)s") % {
            "indicator": self.indicator,
            "quarter": self.quarter,
        }

    @property
    def is_open_for_entry(self) -> bool:
        return self.status in OPEN_FOR_ENTRY

    @property
    def has_open_response(self) -> bool:
        """Whether a 因應對策 was given that nobody has marked done yet."""
        return bool(self.response) and self.followed_up_at is None

    def permission_units(self) -> Iterable[int]:
        return (self.indicator.lead_unit_id,)

    def reading_units(self) -> Iterable[int]:
        """The units of which any one may read: those whose work the report is."""
        return [unit.pk for unit in self.indicator.participants]


class Figure(models.Model):
    """填報值: one variable's number in one quarter report.

    Where the variable is given by unit, each unit's share is a figure of its own; otherwise unit is None.
    """

    report = models.ForeignKey(
        QuarterReport, models.CASCADE, related_name="figures", verbose_name=_("quarter report")
    )
    variable = models.ForeignKey(Variable, models.PROTECT, related_name="figures", verbose_name=_("variable"))
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, related_name="+", verbose_name=_("unit whose share it is")
    )
    value = QuantityField(_("value"))
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("changed by")
    )
    changed_at = models.DateTimeField(_("changed at"))
    demo = models.BooleanField(_("demonstration"), default=False)

    class Meta:
        verbose_name = _("figure")
        verbose_name_plural = _("figures")
        ordering = ("report", "variable__position")
        constraints = [
            models.UniqueConstraint(
                fields=("report", "variable"), condition=Q(unit=None), name="figure_once"
            ),
            models.UniqueConstraint(
                fields=("report", "variable", "unit"), condition=~Q(unit=None), name="figure_once_a_unit"
            ),
            models.CheckConstraint(condition=within_range("value"), name="figure_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.variable}: {self.value}"

    def permission_units(self) -> Iterable[int]:
        return self.report.permission_units()


class ReportStep(models.Model):
    """A step that a quarter report took, by whom, when, and what was said with it."""

    report = models.ForeignKey(
        QuarterReport, models.CASCADE, related_name="steps", verbose_name=_("quarter report")
    )
    step = CharField(_("step"), max_length=10)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))
    comment = TextField(_("comment"), blank=True)

    class Meta:
        verbose_name = _("step of a report")
        verbose_name_plural = _("steps of reports")
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return f"{self.report}: {self.step}"

    def permission_units(self) -> Iterable[int]:
        return self.report.permission_units()


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    def visible_to(self, user: User) -> Self:
        """What stands behind the reports that user may read, removed pieces included."""
        return self.filter(report__in=QuarterReport.objects.visible_to(user))

    def kept(self) -> Self:
        return self.filter(removed_at=None)


class Evidence(models.Model):
    """佐證資料: a file, or the number of a document, behind a quarter report.

    A file is stored under a random name; what is removed leaves this row behind, without its file.
    """

    report = models.ForeignKey(
        QuarterReport, models.PROTECT, related_name="evidence", verbose_name=_("quarter report")
    )
    document_number = CharField(_("document number"), max_length=100, blank=True)
    note = CharField(_("what it shows"), max_length=200, blank=True)
    name = CharField(_("file name"), max_length=150, blank=True)
    stored_name = CharField(_("stored under"), max_length=64, blank=True, editable=False)
    content_type = CharField(_("type"), max_length=100, blank=True)
    size = models.PositiveBigIntegerField(_("size"), null=True)
    sha256 = CharField(_("SHA-256"), max_length=64, blank=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("added by")
    )
    added_at = models.DateTimeField(_("added at"))
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("removed by")
    )
    removed_at = models.DateTimeField(_("removed at"), null=True)

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ("report", "added_at", "pk")
        constraints = [
            models.CheckConstraint(
                condition=(
                    ~Q(document_number="")
                    & Q(name="", stored_name="", content_type="", sha256="", size__isnull=True)
                )
                | (
                    Q(document_number="", size__isnull=False)
                    & ~Q(name="")
                    & ~Q(stored_name="")
                    & ~Q(content_type="")
                    & ~Q(sha256="")
                ),
                name="evidence_is_a_file_or_a_number",
            ),
            models.CheckConstraint(
                condition=Q(removed_by__isnull=True, removed_at__isnull=True)
                | Q(removed_by__isnull=False, removed_at__isnull=False),
                name="evidence_removed_by_someone",
            ),
            models.UniqueConstraint(
                fields=("stored_name",), condition=~Q(stored_name=""), name="evidence_stored_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.document_number

    def permission_units(self) -> Iterable[int]:
        return self.report.permission_units()

    def reading_units(self) -> Iterable[int]:
        return self.report.reading_units()


class ItemProgressQuerySet(models.QuerySet["ItemProgress"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(
            item__in=WorkItem.objects.led_by(user.rights.units("indicators.view_quarterreport"))
        )

    def written(self) -> Self:
        return self.exclude(text="")


class ItemProgress(models.Model):
    """辦理情形: what was done about a work item of part IV in a quarter."""

    item = models.ForeignKey(WorkItem, models.PROTECT, related_name="progress", verbose_name=_("work item"))
    quarter = models.PositiveSmallIntegerField(_("quarter"))
    text = TextField(_("what was done"), blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("last changed by")
    )
    changed_at = models.DateTimeField(_("last changed at"))
    version = models.PositiveIntegerField(_("version"), default=0)

    objects = ItemProgressQuerySet.as_manager()

    class Meta:
        verbose_name = _("progress of a work item")
        verbose_name_plural = _("progress of work items")
        ordering = ("item", "quarter")
        constraints = [
            models.UniqueConstraint(fields=("item", "quarter"), name="item_progress_once_a_quarter"),
            models.CheckConstraint(condition=Q(quarter__range=(1, 4)), name="item_progress_quarter_known"),
        ]

    def __str__(self) -> str:
        return f"{self.item} Q{self.quarter}"

    def permission_units(self) -> Iterable[int]:
        return (self.item.responsible_unit_id,)
