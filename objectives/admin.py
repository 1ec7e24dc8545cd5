"""The admin's pages for plans; those for units and people are in `people_admin`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import people_admin  # noqa: F401 (Django looks for this module only)
from .forms import AdoptionForm, PlanForm, WorkItemForm
from .models import Goal, Plan, Strategy, WorkItem, WorkPlan
from .numerals import chinese_numeral
from .permissions import can, require
from .roc import roc_date
from .scoped import PROVENANCE, PlanPart, ScopedAdmin, YearFilter, shortened, signed_in
from .workflow import adopt_plan


@admin.register(Plan)
class PlanAdmin(ScopedAdmin):
    form = PlanForm
    list_display = ["title", "year", "unit", "adoption"]
    list_select_related = ["unit"]
    search_fields = ["title"]
    owner = "unit"
    owner_unit = "pk"
    readonly_fields = ["adoption"]
    wording = [
        "year", "title", "preamble", "scheme_legend", "goals_heading", "key_heading", "common_heading",
        "work_heading",
    ]  # fmt: skip
    frozen = ["head_step", "green_threshold", "amber_threshold"]
    fieldsets = [
        (None, {"fields": ["unit", "year", "title", "adoption"]}),
        (gettext_lazy("Steps of the quarter reports"), {"fields": ["head_step"]}),
        (gettext_lazy("Thresholds of the lights"), {"fields": [("green_threshold", "amber_threshold")]}),
        (gettext_lazy("Text"), {"fields": ["preamble", "scheme_legend"]}),
        (
            gettext_lazy("Headings of the parts"),
            {"fields": ["goals_heading", "key_heading", "common_heading", "work_heading"]},
        ),
        PROVENANCE,
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Iterable[Any]:
        return [*super().get_readonly_fields(request, obj), *self.fixed_fields(obj)]

    def fixed_fields(self, obj: Plan | None) -> list[str]:
        """Name what cannot be edited even by someone who may change the plan."""
        fixed = self.wording if obj and obj.stands_fast else []
        return [*fixed, *self.frozen] if obj and obj.is_closed else [*fixed]

    def lock_reason(self, obj: Plan) -> str:
        if obj.is_closed:
            return f"{obj.why_closed} {PlanPart.closed_words}"
        if not obj.is_adopted:
            return ""
        return _(
            "The plan is adopted (%(number)s), so its year and its wording stand fast, those of its goals, "
            "strategies, work plans and work items included. The thresholds of the lights, whether heads of "
            "unit endorse, and the provenance notes can still be changed."
        ) % {"number": obj.adopted_number}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj and obj.stands_fast) and super().has_delete_permission(request, obj)

    @admin.display(description=gettext_lazy("adoption"))
    def adoption(self, plan: Plan) -> str:
        if not plan.adopted_on:
            return _("In preparation")
        return _("Adopted %(day)s, %(number)s") % {
            "day": roc_date(plan.adopted_on),
            "number": plan.adopted_number,
        }

    def get_urls(self) -> list[Any]:
        adopt = path(
            "<path:object_id>/adopt/",
            self.admin_site.admin_view(self.adopt_view),
            name="objectives_plan_adopt",
        )
        return [adopt, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        plan = self.get_object(request, object_id)
        may = {
            "may_adopt": not plan.is_adopted and can(request.user, "objectives.adopt_plan", plan),
            "may_close": not plan.is_closed and can(request.user, "objectives.close_plan", plan),
            "may_copy": can(request.user, "objectives.copy_plan", plan),
        }
        return super().change_view(request, object_id, form_url, {**may, **(extra_context or {})})

    def adopt_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """核定: ask for day and document number, then put the plan in force."""
        plan = self.get_object(request, object_id)
        require(request.user, "objectives.adopt_plan", plan)
        back = HttpResponseRedirect(reverse("admin:objectives_plan_change", args=[plan.pk]))
        if plan.is_adopted and request.method != "POST":
            return back
        form = AdoptionForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                adopt_plan(
                    plan=plan,
                    by=signed_in(request),
                    on=form.cleaned_data["on"],
                    number=form.cleaned_data["number"],
                )
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                messages.success(
                    request, _("The plan is adopted. Its wording and its indicators stand fast.")
                )
                return back
        context = {
            **self.admin_site.each_context(request),
            "title": _("Adopt the plan"),
            "opts": self.opts,
            "plan": plan,
            "form": form,
        }
        return TemplateResponse(request, "admin/objectives/plan/adopt.html", context)


@admin.register(Goal)
class GoalAdmin(PlanPart, ScopedAdmin):
    list_display = ["code", "heading", "kind", "indicator_count"]
    list_display_links = ["code", "heading"]
    list_filter = [YearFilter]
    search_fields = ["title", "outline_title"]
    ordering = ["plan", "outline_number"]  # said here too: a query that counts forgets the model's own
    plan_lookup = "plan"
    owner = "plan"
    wording = ["kind", "number", "title", "outline_number", "outline_title", "text", "preamble_title"]
    fieldsets = [
        (None, {"fields": ["plan", ("kind", "number"), "title"]}),
        (gettext_lazy("Part I"), {"fields": ["outline_number", "outline_title", "text"]}),
        (gettext_lazy("Preamble"), {"fields": ["preamble_title"]}),
        PROVENANCE,
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return (
            super()
            .get_queryset(request)
            .select_related("plan__unit")
            .annotate(indicator_count=Count("indicators"))
        )

    @admin.display(description=gettext_lazy("title"), ordering="outline_number")
    def heading(self, goal: Goal) -> str:
        return str(goal)

    @admin.display(description=gettext_lazy("code"))
    def code(self, goal: Goal) -> str:
        return goal.code

    @admin.display(description=gettext_lazy("indicators"))
    def indicator_count(self, goal: Any) -> int:
        return goal.indicator_count


class StrategyList(ChangeList):
    """Strategies in the order of the outline, each with its depth there."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        goals = {strategy.goal_id for strategy in self.result_list}
        rows = Strategy.objects.filter(goal__in=goals).values_list("pk", "parent_id", "position")
        above = {pk: (parent, position) for pk, parent, position in rows}
        places = {strategy.pk: _place(strategy.pk, above) for strategy in self.result_list}
        self.result_list = sorted(
            self.result_list,
            key=lambda each: (
                -each.goal.plan.year,
                each.goal.plan_id,
                each.goal.outline_number,
                places[each.pk],
            ),
        )
        for strategy in self.result_list:
            strategy.depth = len(places[strategy.pk])


def _place(pk: int | None, above: Mapping[int, tuple[int | None, int]]) -> tuple[int, ...]:
    """Return the positions from the top of the goal down to the strategy, such as (1, 2, 7)."""
    place: tuple[int, ...] = ()
    while pk is not None:
        pk, position = above[pk]
        place = (position, *place)
    return place


@admin.register(Strategy)
class StrategyAdmin(PlanPart, ScopedAdmin):
    list_display = ["words", "goal_heading"]
    list_filter = [YearFilter]
    list_select_related = ["goal__plan__unit"]
    list_per_page = 500
    search_fields = ["label", "heading", "text"]
    ordering = ["-goal__plan__year", "goal__outline_number", "pk"]
    sortable_by = []
    plan_lookup = "goal__plan"
    owner = "goal"
    owner_unit = "plan__unit"
    wording = ["parent", "position", "label", "heading", "text", "closing"]
    fieldsets = [
        (None, {"fields": ["goal", "parent", ("position", "label"), "heading", "text", "closing"]}),
        PROVENANCE,
    ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return StrategyList

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """An existing strategy moves within its goal only."""
        form = super().get_form(request, obj, change, **kwargs)
        if obj and "parent" in form.base_fields:
            parent: Any = form.base_fields["parent"]
            parent.queryset = parent.queryset.filter(goal=obj.goal_id).exclude(pk=obj.pk)
        return form

    @admin.display(description=gettext_lazy("strategy"))
    def words(self, strategy: Any) -> str:
        return format_html(
            '<span class="depth depth-{}">{}{}</span>',
            strategy.depth,
            strategy.label,
            shortened(strategy.heading or strategy.text),
        )

    @admin.display(description=gettext_lazy("goal"))
    def goal_heading(self, strategy: Strategy) -> str:
        return f"{chinese_numeral(strategy.goal.outline_number)}、{shortened(strategy.goal.title, 16)}"


class WorkItemInline(PlanPart, admin.StackedInline):
    model = WorkItem
    form = WorkItemForm
    extra = 0
    fields = ["position", "name", "lead_unit", "content", "note"]
    plan_lookup = "plan"
    wording = ["position", "name", "content"]
    show_change_link = True


@admin.register(WorkPlan)
class WorkPlanAdmin(PlanPart, ScopedAdmin):
    list_display = ["name", "position", "item_count"]
    list_filter = [YearFilter]
    search_fields = ["name"]
    ordering = ["plan", "position"]  # as for goals
    plan_lookup = "plan"
    owner = "plan"
    wording = ["position", "name"]
    fieldsets = [(None, {"fields": ["plan", "position", "name"]}), PROVENANCE]
    inlines = [WorkItemInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("plan__unit").annotate(item_count=Count("items"))

    @admin.display(description=gettext_lazy("work items"))
    def item_count(self, work_plan: Any) -> int:
        return work_plan.item_count


@admin.register(WorkItem)
class WorkItemAdmin(PlanPart, ScopedAdmin):
    form = WorkItemForm
    list_display = ["name", "work_plan", "lead_unit", "beginning"]
    list_filter = [YearFilter]
    list_select_related = ["work_plan__plan__unit", "lead_unit"]
    search_fields = ["name", "content", "work_plan__name"]
    plan_lookup = "work_plan__plan"
    owner = "work_plan"
    owner_unit = "plan__unit"
    wording = ["position", "name", "content"]
    fieldsets = [(None, {"fields": ["work_plan", "position", "name", "lead_unit", "content"]}), PROVENANCE]
    adopted_words = gettext_lazy(
        "The plan is adopted (%(number)s), so its wording stands fast: here only the lead unit and the "
        "provenance note can still be changed."
    )
    closed_words = gettext_lazy("Here only the lead unit and the provenance note can still be changed.")

    @admin.display(description=gettext_lazy("content"))
    def beginning(self, item: WorkItem) -> str:
        return shortened(item.content)
