"""What every page of the admin shares: the reach of a person's roles, saving with care, and filters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from operator import attrgetter
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth import get_permission_codename
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.acting import acting, current

from .fields import nfc
from .forms import Stored, TextArea, WatchedForm
from .models import Plan, User
from .permissions import can

PROVENANCE = (gettext_lazy("Provenance note"), {"fields": ["note"]})


def signed_in(request: HttpRequest) -> User:
    """Return who asks; the admin lets nobody in who has no role."""
    return cast(User, request.user)


def writing(request: HttpRequest) -> AbstractContextManager[None]:
    """Return what a view does its work in: the ledger's door where something was posted."""
    return acting() if request.method == "POST" else nullcontext()


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
        if found and request.method == "POST" and current():
            self.lock(found)
            found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with writing(request):
            return super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with writing(request):
            return super().delete_view(request, *args, **kwargs)

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
        """Lead to the object's history in the ledger: the admin's own log is not kept.

        It would record additions that were rolled back, and nothing that is done elsewhere.
        """
        found = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("history", args=[self.opts.label_lower, found.pk]))

    def log_addition(self, *args: Any, **kwargs: Any) -> Any:
        """See history_view."""

    def log_change(self, *args: Any, **kwargs: Any) -> Any:
        """See history_view."""

    def log_deletions(self, *args: Any, **kwargs: Any) -> Any:
        """See history_view."""


class PlanPart(Scoped):
    """What a plan consists of: once it is adopted, `wording` stands fast, and nothing comes or goes.

    Once its year is closed that holds too, and for `frozen` as well: what an adopted plan leaves open
    although it enters results. The words say what can be changed even then.
    """

    wording: list[str] = []
    frozen: list[str] = []
    adopted_words: str | Promise = gettext_lazy(
        "The plan is adopted (%(number)s), so its wording stands fast: here only the provenance note can "
        "still be changed, and nothing can be added or deleted."
    )
    closed_words: str | Promise = gettext_lazy("Here only the provenance note can still be changed.")

    def is_closed(self, obj: Any) -> bool:
        plan = self.plan_of(obj) if obj else None
        return plan is not None and plan.is_closed

    def is_locked(self, obj: Any) -> bool:
        plan = self.plan_of(obj) if obj else None
        return plan is not None and plan.stands_fast

    def fixed_fields(self, obj: Any) -> list[str]:
        """Name what cannot be edited even by someone who may change the object."""
        fixed = self.wording if self.is_locked(obj) else []
        return [*fixed, *self.frozen] if self.is_closed(obj) else [*fixed]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self.is_locked(obj) and super().has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self.is_locked(obj) and super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *self.fixed_fields(obj)]

    def choices(self, name: str, request: HttpRequest) -> QuerySet[Any]:
        """Offer no owner in a plan that stands fast."""
        offered = super().choices(name, request)
        if name != self.owner:
            return offered
        plan = self.owner_unit.removesuffix("unit")
        return offered.filter(**{f"{plan}adopted_on": None, f"{plan}closed_at": None})

    def lock_reason(self, obj: Any) -> str:
        return self.why_locked(cast(Plan, self.plan_of(obj)))

    def why_locked(self, plan: Plan) -> str:
        """Say what of such parts stands fast in plan, and why; empty where nothing does."""
        if plan.is_closed:
            return f"{plan.why_closed} {self.closed_words}"
        return str(self.adopted_words) % {"number": plan.adopted_number} if plan.is_adopted else ""


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
