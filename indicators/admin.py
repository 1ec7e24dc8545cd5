"""The admin's pages for indicators and variables; reports and periods have modules of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from objectives.permissions import can
from objectives.scoped import PROVENANCE, PlanPart, ScopedAdmin, YearFilter, shortened, signed_in

from . import period_admin, revision_admin, workflow  # noqa: F401 (Django looks for this module only)
from .fields import QuantityField
from .filters import GoalFilter
from .forms import (
    IndicatorForm,
    PlannedValueForm,
    PlannedValueFormSet,
    SingleVariableForm,
    VariableForm,
    VariableFormSet,
)
from .models import QUARTERS, Indicator, PlannedValue, QuarterReport, Status, Variable
from .next_year_admin import next_year
from .numbers import format_number
from .plan_file_admin import plan_file
from .report_admin import target_words

EMPTY = Q(status=Status.DRAFT, remark="", not_applicable_reason="", figures=None)


@cache
def plain_number(model: str, name: str) -> Callable[[Any], str]:
    """Return a display of a number that cannot be edited, without the column's trailing zeros."""
    field: Any = apps.get_model(model)._meta.get_field(name)

    @admin.display(description=field.verbose_name)
    def display(obj: Any) -> str:
        value = getattr(obj, name)
        return "" if value is None else format_number(value)

    return display


class PlainNumbers(PlanPart):
    """Shows numbers that cannot be edited the way people write them."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        plain = [plain_number(self.opts.label, name) for name in self._plain_numbers(request, obj)]
        return [*self.fixed_fields(obj), *plain]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        numbers = self._plain_numbers(request, obj)

        def plain(name: Any) -> Any:
            if isinstance(name, tuple):
                return tuple(plain(each) for each in name)
            return plain_number(self.opts.label, name) if name in numbers else name

        return [
            (title, {**options, "fields": [plain(name) for name in options["fields"]]})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def _plain_numbers(self, request: HttpRequest, obj: Any) -> set[str]:
        numbers = {field.name for field in self.opts.fields if isinstance(field, QuantityField)}
        if obj is not None and not self.has_change_permission(request, obj):
            return numbers
        return numbers.intersection(self.fixed_fields(obj))


class VariableInline(PlainNumbers, admin.StackedInline):
    """Rows that stand fast are edited on the variable's own page, as far as anything of them can be."""

    model = Variable
    form = VariableForm
    formset = VariableFormSet
    fields = [
        ("symbol", "name", "unit", "position"),
        ("rollup", "kind", "due_quarters", "constant"),
        ("may_be_negative", "may_fall", "zero_until_given", "memo"),
        ("by_unit", "not_above"),
        "help",
        "note",
    ]
    show_change_link = True
    plan_lookup = "goal__plan"

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 2

    def is_locked(self, obj: Any) -> bool:
        return super().is_locked(obj) or bool(obj and workflow.why_approved_with(obj))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self.is_locked(obj) and super().has_change_permission(request, obj)


class PlannedValueInline(PlainNumbers, admin.TabularInline):
    """What the year's course should be; an adopted plan does not fix it, a closed year does."""

    model = PlannedValue
    form = PlannedValueForm
    formset = PlannedValueFormSet
    plan_lookup = "goal__plan"
    fields = ["quarter", "value"]
    max_num = len(QUARTERS)

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return len(QUARTERS)

    def is_locked(self, obj: Any) -> bool:
        return self.is_closed(obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self.is_locked(obj) and super().has_change_permission(request, obj)


def _why_kept(report: QuarterReport) -> str:
    return _("%(report)s: «%(status)s», with figures or a text, or on its way already") % {
        "report": report,
        "status": report.get_status_display(),
    }


@admin.register(Indicator)
class IndicatorAdmin(PlainNumbers, ScopedAdmin):
    form = IndicatorForm
    list_display = ["code", "short_title", "target_shown", "assessed", "lead_unit"]
    list_display_links = ["code", "short_title"]
    list_filter = [YearFilter, GoalFilter]
    list_select_related = ["goal__plan__unit", "lead_unit"]
    search_fields = ["code", "title", "standard", "goal__title"]
    ordering = ["-goal__plan__year", "goal__outline_number", "number"]
    sortable_by = []
    plan_lookup = "goal__plan"
    owner = "goal"
    owner_unit = "plan__unit"
    wording = [
        "goal", "code", "number", "title", "scheme", "method", "standard", "target", "unit", "direction",
        "assessed", "formula", "weight",
    ]  # fmt: skip
    frozen = ["contributing_units", "not_applicable_reason"]
    computed = ["target", "direction", "assessed", "formula", "weight"]
    adopted_words = gettext_lazy(
        "The plan is adopted (%(number)s), so the definition and the variables stand fast: target, "
        "formula and constants change by a revision only. The units, the strategies, the planned values, "
        "the reason for not being applicable and the note can still be changed; on a variable's own page "
        "its help, its note and an unknown constant."
    )
    closed_words = gettext_lazy(
        "Here only the lead unit, the strategies and the provenance note can still be changed."
    )
    fieldsets = [
        (None, {"fields": ["goal", ("code", "number"), "title"]}),
        (gettext_lazy("Units"), {"fields": ["lead_unit", "contributing_units"]}),
        (
            gettext_lazy("Definition"),
            {
                "fields": [
                    "standard",
                    ("target", "unit", "direction"),
                    "formula",
                    ("assessed", "weight"),
                    ("scheme", "method"),
                ]
            },
        ),
        (gettext_lazy("Strategies"), {"fields": ["strategies"]}),
        (gettext_lazy("Not applicable"), {"fields": ["not_applicable_reason"]}),
        PROVENANCE,
    ]
    filter_horizontal = ["contributing_units", "strategies"]
    inlines = [VariableInline, PlannedValueInline]

    def get_urls(self) -> list[Any]:
        def page(request: HttpRequest, plan_id: int) -> HttpResponse:
            return next_year(request, plan_id, self.admin_site)

        view = self.admin_site.admin_view(page)
        file = self.admin_site.admin_view(plan_file)
        return [
            path("next-year/<int:plan_id>/", view, name="indicators_next_year"),
            path("plan-file/<int:plan_id>/<str:extension>/", file, name="indicators_plan_file"),
            *super().get_urls(),
        ]

    def choices(self, name: str, request: HttpRequest) -> QuerySet[Any]:
        offered = super().choices(name, request)
        return offered.select_related("goal__plan") if name == "strategies" else offered

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Variables and empty reports go with their indicator; any other report keeps it, and is named."""
        deleted, counts, lacking, _protected = super().get_deleted_objects(objs, request)
        reports = QuarterReport.objects.filter(indicator__in=objs).order_by("quarter")
        if request.method == "POST":
            list(reports.select_for_update())  # nobody enters a figure now
        lacking = lacking - {QuarterReport._meta.verbose_name, Variable._meta.verbose_name}
        return deleted, counts, lacking, [_why_kept(report) for report in reports.exclude(EMPTY)]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        obj.reports.filter(EMPTY).delete()
        super().delete_model(request, obj)

    def fixed_fields(self, obj: Any) -> list[str]:
        """Name what stands fast; in a plan that is not adopted, what an approved report was computed with."""
        approved = obj and not self.is_locked(obj) and workflow.why_approved_with(obj)
        return self.computed if approved else super().fixed_fields(obj)

    def lock_reason(self, obj: Indicator) -> str:
        return super().lock_reason(obj) or workflow.why_approved_with(obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            workflow.create_reports([obj])

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read what the targets in force are made of, for the whole list."""
        found = super().get_changelist_instance(request)
        prefetch_related_objects(list(found.result_list), "variables", "revisions")
        return found

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        indicator = self.get_object(request, unquote(object_id))
        offer = {
            "may_spread": not indicator.goal.plan.is_closed
            and can(request.user, "indicators.add_plannedvalue", indicator),
            "why_not_spread": workflow.why_not_spread(indicator, timezone.now()),
            "revisions": revision_admin.revisions_of(indicator),
            "may_revise": revision_admin.may_revise(signed_in(request), indicator),
        }
        return super().change_view(request, object_id, form_url, {**offer, **(extra_context or {})})

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """按季平均分配 comes after saving what else was typed on the page."""
        if "_spread" not in request.POST:
            return super().response_change(request, obj)
        try:
            workflow.spread_planned_values(indicator=obj, by=signed_in(request), now=timezone.now())
        except workflow.Refusal as error:
            said = " ".join(error.messages)
            messages.warning(request, _("The page is saved. Nothing was spread: %(why)s") % {"why": said})
        else:
            messages.success(request, _("Saved. The target is spread evenly over the four quarters."))
        return HttpResponseRedirect(request.path)

    @admin.display(description=gettext_lazy("indicator"))
    def short_title(self, indicator: Indicator) -> str:
        return shortened(indicator.title, 40)

    @admin.display(description=gettext_lazy("annual target"))
    def target_shown(self, indicator: Indicator) -> str:
        return target_words(indicator, QUARTERS[-1])


@admin.register(Variable)
class VariableAdmin(PlainNumbers, ScopedAdmin):
    """One variable by itself; symbols, additions and deletions belong to the page with the formula."""

    form = SingleVariableForm
    list_display = ["name", "indicator_code", "symbol", "rollup", "due_quarters", "constant_shown"]
    list_filter = [YearFilter]
    list_select_related = ["indicator__goal__plan__unit"]
    search_fields = ["name", "symbol", "indicator__code", "indicator__title"]
    ordering = [
        "-indicator__goal__plan__year",
        "indicator__goal__outline_number",
        "indicator__number",
        "position",
    ]
    sortable_by = []
    plan_lookup = "indicator__goal__plan"
    wording = [
        "name", "unit", "rollup", "kind", "due_quarters", "may_be_negative", "may_fall", "zero_until_given",
        "by_unit", "not_above", "position",
    ]  # fmt: skip
    computed = [
        "rollup", "kind", "due_quarters", "may_be_negative", "zero_until_given", "by_unit",
    ]  # fmt: skip
    adopted_words = gettext_lazy(
        "The plan is adopted (%(number)s), so the variable's definition stands fast. Its help and its "
        "note can still be changed, and a constant that is still unknown can be given; a known one is "
        "corrected by a revision of the indicator."
    )
    closed_words = gettext_lazy("Here only the help and the provenance note can still be changed.")
    fieldsets = [
        (None, {"fields": ["indicator", ("symbol", "memo"), "name", "unit", "constant"]}),
        (
            gettext_lazy("Definition"),
            {
                "fields": [
                    ("rollup", "kind", "due_quarters"),
                    ("may_be_negative", "may_fall", "zero_until_given"),
                    ("by_unit", "not_above"),
                    "position",
                ]
            },
        ),
        (gettext_lazy("For those who report"), {"fields": ["help"]}),
        PROVENANCE,
    ]

    def fixed_fields(self, obj: Any) -> list[str]:
        fixed = ["indicator", "symbol", "memo", *super().fixed_fields(obj)]
        if obj and not self.is_locked(obj) and workflow.why_approved_with(obj.indicator):
            fixed += self.computed
        if obj and workflow.why_constant_stands(obj):
            fixed.append("constant")
        return fixed

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def lock_reason(self, obj: Variable) -> str:
        return super().lock_reason(obj) or workflow.why_approved_with(obj.indicator)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Leave a constant to its verb, unless the variable becomes one, or none, by this change."""
        value = obj.constant
        by_the_verb = "constant" in form.changed_data and "rollup" not in form.changed_data
        if by_the_verb:
            obj.constant = form.initial["constant"]
        super().save_model(request, obj, form, change)
        if by_the_verb:
            workflow.set_constant(variable=obj, value=value, by=signed_in(request))

    @admin.display(description=gettext_lazy("indicator"))
    def indicator_code(self, variable: Variable) -> str:
        return variable.indicator.code

    @admin.display(description=gettext_lazy("constant"))
    def constant_shown(self, variable: Variable) -> str:
        if not variable.is_constant:
            return ""
        return _("Not in the plan") if variable.constant is None else format_number(variable.constant)
