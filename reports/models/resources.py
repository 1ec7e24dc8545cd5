"""預算及人力: an agency's budgets, final accounts and staff of a year, as the annual report shows four of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from indicators.fields import QuantityField, within_range
from objectives.models import Unit, User

MONEY = (
    "general_budget", "general_accounts", "special_budget", "special_accounts", "fund_budget",
    "fund_accounts",
)  # fmt: skip
"""Millions of New Taiwan dollars: the ordinary fund's general and special budgets, and special funds."""


class AnnualResourcesQuerySet(models.QuerySet["AnnualResources"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(unit__in=user.rights.units("reports.view_annualresources"))


class AnnualResources(models.Model):
    """An agency's budget and staff of one ROC year; what is None is not known, and not 0."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="resources", verbose_name=_("agency"))
    year = models.PositiveSmallIntegerField(_("ROC year"))
    general_budget = QuantityField(_("general budget (million NT$)"), null=True, blank=True)
    general_accounts = QuantityField(_("general budget, accounts (million NT$)"), null=True, blank=True)
    special_budget = QuantityField(_("special budget (million NT$)"), null=True, blank=True)
    special_accounts = QuantityField(_("special budget, accounts (million NT$)"), null=True, blank=True)
    fund_budget = QuantityField(_("special funds, budget (million NT$)"), null=True, blank=True)
    fund_accounts = QuantityField(_("special funds, accounts (million NT$)"), null=True, blank=True)
    personnel_cost = QuantityField(_("personnel cost (thousand NT$)"), null=True, blank=True)
    officials = models.PositiveIntegerField(_("officials"), null=True, blank=True)
    contract_staff = models.PositiveIntegerField(_("contract staff"), null=True, blank=True)
    police = models.PositiveIntegerField(_("police"), null=True, blank=True)
    workers = models.PositiveIntegerField(_("technicians and workers"), null=True, blank=True)

    objects = AnnualResourcesQuerySet.as_manager()

    class Meta:
        verbose_name = _("budget and staff of a year")
        verbose_name_plural = _("budgets and staff by year")
        ordering = ("unit__code", "year")
        constraints = [
            models.UniqueConstraint(
                fields=("unit", "year"),
                name="annual_resources_once",
                violation_error_message=_("This agency's budget and staff of this year are there already."),
            ),
            models.CheckConstraint(condition=Q(year__range=(1, 999)), name="annual_resources_roc_year"),
            *(
                models.CheckConstraint(condition=within_range(name), name=f"annual_resources_{name}_in_range")
                for name in (*MONEY, "personnel_cost")
            ),
        ]

    def __str__(self) -> str:
        return _("%(unit)s, ROC year %(year)s") % {"unit": self.unit, "year": self.year}

    def permission_units(self) -> Iterable[int]:
        return (self.unit_id,)
