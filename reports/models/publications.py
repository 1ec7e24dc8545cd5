"""發布: a report as it was published, frozen with what it rests on; a later version never changes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from indicators.models import QUARTERS
from objectives.fields import CharField, TextField
from objectives.models import Plan, User


def report_title(plan: Plan, quarter: int) -> str:
    """Return what a plan's quarterly report is called in words."""
    return _("Quarterly report of ROC year %(year)s, quarter %(quarter)s") % {
        "year": plan.year,
        "quarter": quarter,
    }


class PublicationQuerySet(models.QuerySet["Publication"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(plan__unit__in=user.rights.units("reports.view_publication"))

    def for_pages(self) -> Self:
        """With everything that a page shows of them, and without the bytes."""
        files = models.Prefetch("files", PublishedFile.objects.defer("content"))
        return self.select_related("plan__unit", "published_by").prefetch_related(files)


class Publication(models.Model):
    """A version of a plan's quarterly report (季報); written once.

    number stands on every page. as_of is the moment of the data, head_seq and head_hash the ledger's last
    entry by then. Every version after the first says for what reason it was made (勘誤).
    """

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="publications", verbose_name=_("annual plan"))
    quarter = models.PositiveSmallIntegerField(_("quarter"))
    version = models.PositiveSmallIntegerField(_("version"))
    number = CharField(_("number"), max_length=60, unique=True)
    reason = TextField(_("reason for the new version"), blank=True)
    as_of = models.DateTimeField(_("data as of"))
    head_seq = models.PositiveBigIntegerField(_("ledger sequence number"))
    head_hash = CharField(_("ledger hash"), max_length=64)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("published by")
    )
    published_at = models.DateTimeField(_("published at"))

    objects = PublicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("published report")
        verbose_name_plural = _("published reports")
        ordering = ("-published_at", "-pk")
        constraints = [
            models.UniqueConstraint(fields=("plan", "quarter", "version"), name="publication_version_once"),
            models.CheckConstraint(condition=Q(quarter__in=QUARTERS), name="publication_quarter_known"),
            models.CheckConstraint(
                condition=Q(version=1, reason="") | (Q(version__gt=1) & ~Q(reason="")),
                name="publication_corrected_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def permission_units(self) -> Iterable[int]:
        return (self.plan.unit_id,)

    @property
    def title(self) -> str:
        """What report it is of, in words."""
        return report_title(self.plan, self.quarter)

    @property
    def versions(self) -> PublicationQuerySet:
        """Every version of the same report, the newest first."""
        return Publication.objects.filter(plan=self.plan_id, quarter=self.quarter).order_by("-version")

    @property
    def correction(self) -> Publication | None:
        """The newest version (勘誤版) that takes the place of this one; None while it stands."""
        return self.versions.filter(version__gt=self.version).first()


class PublishedFile(models.Model):
    """The bytes of a published report in one format: in the database, for every host and every backup."""

    class Format(models.TextChoices):
        ODT = "odt", "ODT"
        PDF = "pdf", "PDF"

    publication = models.ForeignKey(
        Publication, models.PROTECT, related_name="files", verbose_name=_("published report")
    )
    format = CharField(_("format"), max_length=4, choices=Format)
    name = CharField(_("file name"), max_length=150)
    size = models.PositiveBigIntegerField(_("size"))
    sha256 = CharField(_("SHA-256"), max_length=64, db_index=True)
    content = models.BinaryField()

    class Meta:
        verbose_name = _("file of a published report")
        verbose_name_plural = _("files of published reports")
        ordering = ("publication", "format")
        constraints = [
            models.UniqueConstraint(fields=("publication", "format"), name="published_file_once_a_format"),
            models.CheckConstraint(
                condition=Q(format__in=["odt", "pdf"]), name="published_file_format_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def permission_units(self) -> Iterable[int]:
        return self.publication.permission_units()
