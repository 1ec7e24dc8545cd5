"""The admin's pages for units, people and plans, and what every page of the admin shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth import get_permission_codename
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .fields import nfc
from .forms import (
    AdoptionForm,
    MembershipFormSet,
    NewPasswordForm,
    NewPersonForm,
    PersonForm,
    PlanForm,
    Stored,
    TextArea,
    WatchedForm,
)
from .models import Goal, Membership, Plan, Strategy, Unit, User, WorkItem, WorkPlan
from .numerals import chinese_numeral
from .permissions import can, require
from .roc import roc_date
from .workflow import adopt_plan

PROVENANCE = (gettext_lazy("Provenance note"), {"fields": ["note"]})

# There are no groups: rights come from memberships.
admin.site.unregister(Group)


# -- What every page shares --------------------------------------------------------------------------------


def signed_in(request: HttpRequest) -> User:
    """Return who asks; the admin lets nobody in who has no role."""
    return cast(User, request.user)


class Scoped(BaseModelAdmin):
    """Pages and inlines that show what the person's roles let them see, and do what the roles allow.

    `visible_to` decides about sets (lists, choices, autocompletion), `can` about one object.
    """

    formfield_overrides = {models.TextField: {"widget": TextArea(attrs={"rows": 3})}}
    # The foreign key through which an object belongs to its unit, and the way from there to the unit.
    owner = ""
    owner_unit = "unit"
    # The way from the page's object to its plan, for the filter by year and the lock of an adopted plan.
    plan_lookup = ""

    def plan_of(self, obj: Any) -> Plan | None:
        return attrgetter(self.plan_lookup.replace("__", "."))(obj) if self.plan_lookup else None

    def permission(self, action: str) -> str:
        return f"{self.opts.app_label}.{get_permission_codename(action, self.opts)}"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(request.user, self.permission("view"), obj) or self.has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(request.user, self.permission("add"), obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(request.user, self.permission("change"), obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(request.user, self.permission("delete"), obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible = self.model._default_manager.visible_to(signed_in(request))
        ordering = self.get_ordering(request)
        return visible.order_by(*ordering) if ordering else visible

    def choices(self, name: str, request: HttpRequest) -> QuerySet[Any]:
        """Return what the relation `name` may point to: what the person sees, or may add to (owner)."""
        related: Any = self.opts.get_field(name).related_model
        offered = related._default_manager.visible_to(signed_in(request))
        if name == self.owner:
            units = signed_in(request).rights.units(self.permission("add"))
            offered = offered.filter(**{f"{self.owner_unit}__in": units})
        return offered

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(
            db_field, request, **{"queryset": self.choices(db_field.name, request), **kwargs}
        )

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_manytomany(
            db_field, request, **{"queryset": self.choices(db_field.name, request), **kwargs}
        )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget  # without the icons that open further windows
        return field


class ScopedInline(Scoped, admin.TabularInline):
    """Rows of an object's page; what they point to belongs to that object."""

    extra = 0


class ScopedAdmin(Scoped, admin.ModelAdmin):
    """The pages of one model."""

    actions = None
    list_per_page = 100
    show_full_result_count = False
    view_on_site = False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """A list is asked by its own filters only: the stock admin allows any lookup, a regex too."""
        filters: Iterable[Any] = self.list_filter
        return lookup in {each.parameter_name for each in filters}

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Search as the texts are stored; more words than people type would be too much for SQLite."""
        return super().get_search_results(request, queryset, nfc(search_term.replace("\0", ""))[:200])

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the object, locked where it is about to be changed or deleted.

        One that the person may not see does not exist for them.
        """
        found = super().get_object(request, object_id, from_field)
        if found and request.method == "POST" and transaction.get_connection().in_atomic_block:
            self.lock(found)
            found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def lock(self, obj: Any) -> None:
        """Lock what a change is judged by: the plan, as its adoption does, and then the object."""
        for each in (self.plan_of(obj), obj):
            if each:
                list(type(each)._base_manager.select_for_update(no_key=True).filter(pk=each.pk))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Make the form watch over what is stored now, which it shows or is compared with."""
        if not (change and self.has_change_permission(request, obj)):
            return super().get_form(request, obj, change=change, **kwargs)
        bases = (WatchedForm, kwargs.get("form") or self.form)
        kwargs["form"] = type("Form", bases, {})
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.stored = Stored(obj, form, self._rows(request, obj))
        if request.method == "POST":
            request.POST = form.stored.aligned(request.POST)
        return form

    def _rows(self, request: HttpRequest, obj: Any) -> Iterator[Any]:
        """Give the inlines' rows, locked where the page is about to be saved."""
        for formset, inline in self.get_formsets_with_inlines(request, obj):
            rows = inline.get_queryset(request)
            if request.method == "POST":
                rows = rows.select_for_update(of=("self",), no_key=True)
            yield formset(instance=obj, queryset=rows)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Iterable[Any]:
        """Objects keep their owner: what hangs on them belongs to the same one."""
        fixed = [self.owner] if obj and self.owner else []
        return [*super().get_readonly_fields(request, obj), *fixed]

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Judge the object as it would be saved: the choices offered were only the first door."""
        obj = super().save_form(request, form, change)
        plan = self.plan_of(obj)
        if plan and not change:
            plan.refresh_from_db(from_queryset=Plan.objects.select_for_update(no_key=True))
        if not (self.has_change_permission if change else self.has_add_permission)(request, obj):
            raise PermissionDenied
        return obj

    def lock_reason(self, obj: Any) -> str:
        """Say why parts of the page cannot be changed; empty where all of it can."""
        return ""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        original = context.get("original")
        if original and context["adminform"]:
            context["lock_reason"] = self.lock_reason(original)
            form = context["adminform"].form
            if isinstance(form, WatchedForm):
                context["digest"] = form.stored.digest
                if form.has_error(NON_FIELD_ERRORS, "conflict"):
                    formsets = [inline.formset for inline in context["inline_admin_formsets"]]
                    if not form.would_change_something(formsets):
                        # Somebody pressed a button twice, or two people typed the same.
                        messages.info(request, _("What you typed is already saved."))
                        return HttpResponseRedirect(request.path)
                    form.add_error(None, list(form.differences(formsets)))
        return super().render_change_form(request, context, *args, **kwargs)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The admin's own log is not kept: it records additions that were rolled back."""
        raise Http404

    def log_addition(self, *args: Any, **kwargs: Any) -> Any:
        """See history_view."""

    def log_change(self, *args: Any, **kwargs: Any) -> Any:
        """See history_view."""

    def log_deletions(self, *args: Any, **kwargs: Any) -> Any:
        """See history_view."""


class PlanPart(Scoped):
    """What a plan consists of: once it is adopted, `wording` stands fast, and nothing comes or goes."""

    wording: list[str] = []

    def is_locked(self, obj: Any) -> bool:
        plan = self.plan_of(obj) if obj else None
        return plan is not None and plan.is_adopted

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self.is_locked(obj) and super().has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self.is_locked(obj) and super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fixed = list(super().get_readonly_fields(request, obj))
        return fixed + self.wording if self.is_locked(obj) else fixed

    def choices(self, name: str, request: HttpRequest) -> QuerySet[Any]:
        """Offer no owner in a plan that is adopted."""
        offered = super().choices(name, request)
        if name != self.owner:
            return offered
        return offered.filter(**{f"{self.owner_unit.removesuffix('unit')}adopted_on": None})

    def lock_reason(self, obj: Any) -> str:
        if not self.is_locked(obj):
            return ""
        return _(
            "The plan is adopted (%(number)s), so its wording stands fast: here only the provenance note can "
            "still be changed, and nothing can be added or deleted."
        ) % {"number": cast(Plan, self.plan_of(obj)).adopted_number}


class Filter(admin.SimpleListFilter):
    """One select above a list. The template wants to know which option is chosen, hence `options`."""

    def options(self) -> Iterator[tuple[str, str, bool]]:
        """Yield value, words and «is chosen»; the empty value is everything."""
        yield "", _("All"), self.value() is None
        for value, words in self.lookup_choices:
            yield str(value), str(words), str(value) == self.value()

    def value(self) -> str | None:
        """Return the chosen value, None for everything and for whatever is not offered."""
        chosen = super().value()
        offered = [str(value) for value, _words in self.lookup_choices]
        return chosen if chosen in offered else None


class YearFilter(Filter):
    """The newest year unless another one, or all of them, is asked for."""

    title = gettext_lazy("ROC year")
    parameter_name = "year"
    ALL = "all"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[int, str]]:
        plans = Plan.objects.visible_to(signed_in(request)).order_by("-year")
        return [(year, str(year)) for year in plans.values_list("year", flat=True).distinct()]

    def value(self) -> str | None:
        everything = self.used_parameters.get(self.parameter_name) == self.ALL
        return None if everything else super().value() or str(self.lookup_choices[0][0])

    def options(self) -> Iterator[tuple[str, str, bool]]:
        for value, words, chosen in super().options():
            yield value or self.ALL, words, chosen

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        # The filter is made afresh for every request, with the model admin's way to the plan.
        year = self.value()
        return queryset.filter(**{f"{self.plan_lookup}__year": year}) if year else queryset

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.plan_lookup = model_admin.plan_lookup


def shortened(text: str, length: int = 60) -> str:
    """Return the beginning of a long text, for lists."""
    return text if len(text) <= length else text[: length - 1] + "…"


# -- Units and people --------------------------------------------------------------------------------------


@admin.register(Unit)
class UnitAdmin(ScopedAdmin):
    list_display = ["code", "name", "parent"]
    list_select_related = ["parent"]
    search_fields = ["code", "name"]
    fields = ["code", "name", "parent"]
    owner = "parent"
    owner_unit = "pk"

    def lock(self, obj: Any) -> None:
        """Lock the whole forest: two moves, each of them sound, could make a circle together."""
        list(Unit.objects.select_for_update(no_key=True).order_by("pk"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A new unit has no place in the tree yet: what counts is the unit above it."""
        return super().has_add_permission(request, obj and (obj.parent or obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Iterable[Any]:
        """Units move within what the person administers; the topmost of these stays where it is."""
        mine = signed_in(request).rights.units(self.permission("change"))
        return ["parent"] if obj and obj.parent_id not in mine else []

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, **kwargs, required=True, empty_label=None)


class MembershipInline(ScopedInline):
    """A person's roles; a new account has one at least, since it is nobody's to look after without."""

    model = Membership
    formset = MembershipFormSet
    fields = ["role", "unit"]
    owner = "unit"
    owner_unit = "pk"

    def get_min_num(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 1

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **{"validate_min": True, **kwargs})
        formset.by = signed_in(request)
        return formset

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        units = signed_in(request).rights.units(self.permission("view"))
        return Membership.objects.filter(unit__in=units).select_related("unit", "user")


@admin.register(User)
class PersonAdmin(ScopedAdmin, UserAdmin):
    add_form = NewPersonForm
    form = PersonForm
    change_password_form = NewPasswordForm
    add_form_template = None
    change_user_password_template = "admin/objectives/user/change_password.html"  # noqa: S105
    list_display = ["username", "name", "roles", "is_active"]
    list_filter = []
    search_fields = ["username", "name"]
    filter_horizontal = ()
    fieldsets = [(None, {"fields": ["username", "name", "email", "is_active"]})]
    add_fieldsets = [(None, {"fields": ["username", "name", "email", "password1", "password2"]})]
    inlines = [MembershipInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("memberships__unit")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.by = signed_in(request)
        return form

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Change the password of the account as it is then, and nothing else about it."""
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A new account has no roles yet; the memberships judge their own units."""
        return super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj != request.user and super().has_delete_permission(request, obj)

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, person: User) -> str:
        memberships = person.memberships.all()
        return _(", ").join(f"{each.get_role_display()} · {each.unit}" for each in memberships)


# -- The plan ----------------------------------------------------------------------------------------------


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
    fieldsets = [
        (None, {"fields": ["unit", "year", "title", "adoption"]}),
        (gettext_lazy("Thresholds of the lights"), {"fields": [("green_threshold", "amber_threshold")]}),
        (gettext_lazy("Text"), {"fields": ["preamble", "scheme_legend"]}),
        (
            gettext_lazy("Headings of the parts"),
            {"fields": ["goals_heading", "key_heading", "common_heading", "work_heading"]},
        ),
        PROVENANCE,
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Iterable[Any]:
        locked = self.wording if obj and obj.is_adopted else []
        return [*super().get_readonly_fields(request, obj), *locked]

    def lock_reason(self, obj: Plan) -> str:
        if not obj.is_adopted:
            return ""
        return _(
            "The plan is adopted (%(number)s), so its year and its wording stand fast, those of its goals, "
            "strategies, work plans and work items included. The thresholds of the lights and the provenance "
            "notes can still be changed."
        ) % {"number": obj.adopted_number}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj and obj.is_adopted) and super().has_delete_permission(request, obj)

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
        may_adopt = not plan.is_adopted and can(request.user, "objectives.adopt_plan", plan)
        return super().change_view(
            request, object_id, form_url, {"may_adopt": may_adopt, **(extra_context or {})}
        )

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
    extra = 0
    fields = ["position", "name", "content", "note"]
    plan_lookup = "plan"
    wording = ["position", "name", "content"]
    show_change_link = True


@admin.register(WorkPlan)
class WorkPlanAdmin(PlanPart, ScopedAdmin):
    list_display = ["name", "position", "item_count"]
    list_filter = [YearFilter]
    search_fields = ["name"]
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
    list_display = ["name", "work_plan", "beginning"]
    list_filter = [YearFilter]
    list_select_related = ["work_plan__plan__unit"]
    search_fields = ["name", "content", "work_plan__name"]
    plan_lookup = "work_plan__plan"
    owner = "work_plan"
    owner_unit = "plan__unit"
    wording = ["position", "name", "content"]
    fieldsets = [(None, {"fields": ["work_plan", "position", "name", "content"]}), PROVENANCE]

    @admin.display(description=gettext_lazy("content"))
    def beginning(self, item: WorkItem) -> str:
        return shortened(item.content)
