"""What the admin's lists of indicators and quarter reports can be narrowed down by."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from objectives.models import Goal, Unit
from objectives.scoped import Filter, shortened, signed_in

from .models import QUARTERS, Status


def quarter_words(quarter: int) -> str:
    return _("Quarter %(quarter)s") % {"quarter": quarter}


class GoalFilter(Filter):
    """The goals of the chosen year that the list can show."""

    title = gettext_lazy("goal")
    parameter_name = "goal"
    lookup = "goal"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        goals = (
            Goal.objects.visible_to(signed_in(request))
            .select_related("plan")
            .order_by("-plan__year", "outline_number")
        )
        year = request.GET.get("year") or (goals[0].plan.year if goals else "")
        return [
            (goal.pk, shortened(str(goal), 24)) for goal in goals if str(year) in (str(goal.plan.year), "all")
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.lookup: self.value()}) if self.value() else queryset


class QuarterFilter(Filter):
    title = gettext_lazy("quarter")
    parameter_name = "quarter"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return [(quarter, quarter_words(quarter)) for quarter in QUARTERS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(quarter=self.value()) if self.value() else queryset


class StatusFilter(Filter):
    title = gettext_lazy("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Status.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() else queryset


class UnitFilter(Filter):
    """The lead units whose reports the person sees."""

    title = gettext_lazy("lead unit")
    parameter_name = "unit"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        mine = signed_in(request).rights.units("indicators.view_quarterreport")
        leading = Unit.objects.filter(pk__in=mine, led_indicators__isnull=False).distinct()
        return [(unit.pk, unit.name) for unit in leading]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(indicator__lead_unit=self.value()) if self.value() else queryset


class ReportGoalFilter(GoalFilter):
    lookup = "indicator__goal"
