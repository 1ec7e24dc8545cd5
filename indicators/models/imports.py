"""Uploaded files whose content was to be written, kept for auditors whatever became of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from objectives.fields import CharField, TextField
from objectives.models import Plan, Unit, User


class ImportBatchQuerySet(models.QuerySet["ImportBatch"]):
    def visible_to(self, user: User) -> Self:
        """One's own, and those of the units whose imports user may look through."""
        return self.filter(Q(uploaded_by=user) | Q(unit__in=user.rights.units("indicators.view_importbatch")))


class ImportBatch(models.Model):
    """匯入批次: an uploaded file, what was found in it, and whether it was applied.

    Its state is set by the verbs in `imports.batches` alone. The counts are of rows, as they were found when
    the file was checked, or at last applied.
    """

    class Kind(models.TextChoices):
        FIGURES = "FIGURES", _("figures of a quarter")
        PLAN = "PLAN", _("content of a plan")

    class State(models.TextChoices):
        CHECKED = "CHECKED", _("checked, not applied yet")
        REFUSED = "REFUSED", _("refused")
        APPLIED = "APPLIED", _("applied")
        WITHDRAWN = "WITHDRAWN", _("withdrawn")

    kind = CharField(_("kind"), max_length=10, choices=Kind)
    state = CharField(_("state"), max_length=10, choices=State)
    unit = models.ForeignKey(
        Unit, models.PROTECT, related_name="+", verbose_name=_("unit on whose behalf it was uploaded")
    )
    plan = models.ForeignKey(Plan, models.PROTECT, null=True, related_name="+", verbose_name=_("annual plan"))
    quarter = models.PositiveSmallIntegerField(_("quarter"), null=True)
    name = CharField(_("file name"), max_length=150)
    size = models.PositiveBigIntegerField(_("size"))
    sha256 = CharField(_("SHA-256"), max_length=64)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("uploaded by")
    )
    uploaded_at = models.DateTimeField(_("uploaded at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("applied or withdrawn by"),
    )
    decided_at = models.DateTimeField(_("applied or withdrawn at"), null=True)
    refusal = TextField(_("why it was refused"), blank=True)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    new = models.PositiveIntegerField(_("new"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    conflicts = models.PositiveIntegerField(_("conflicts"), default=0)
    errors = models.PositiveIntegerField(_("rows with errors"), default=0)

    objects = ImportBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ("-uploaded_at", "-pk")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["FIGURES", "PLAN"]), name="import_batch_kind_known"),
            models.CheckConstraint(
                condition=Q(
                    state__in=["APPLIED", "WITHDRAWN"], decided_by__isnull=False, decided_at__isnull=False
                )
                | Q(state__in=["CHECKED", "REFUSED"], decided_by__isnull=True, decided_at__isnull=True),
                name="import_batch_decided_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(state="REFUSED") | Q(refusal=""), name="import_batch_refused_for_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def permission_units(self) -> Iterable[int]:
        return (self.unit_id,)


class ImportFile(models.Model):
    """The bytes of an uploaded file: in the database, so that every host and every backup has them.

    A file that was refused unread, for what it is, is not kept.
    """

    batch = models.OneToOneField(ImportBatch, models.PROTECT, related_name="file", primary_key=True)
    content = models.BinaryField()

    class Meta:
        verbose_name = _("uploaded file")
        verbose_name_plural = _("uploaded files")

    def __str__(self) -> str:
        return str(self.batch)

    def permission_units(self) -> Iterable[int]:
        return self.batch.permission_units()
