"""The admin's pages for 目標值修正: entered by an administrator, approved by a reviewer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from objectives.fields import is_key
from objectives.models import User
from objectives.permissions import can
from objectives.roc import roc_date, roc_moment
from objectives.scoped import ScopedAdmin, YearFilter, signed_in

from . import workflow
from .filters import quarter_words
from .models import Indicator, TargetRevision
from .numbers import format_number
from .revision_forms import IndicatorChoiceForm, RevisionForm

ADD = "indicators.add_targetrevision"
APPROVE = "indicators.approve_targetrevision"


@dataclass(frozen=True)
class Change:
    """What a revision changes, in words."""

    what: str | Promise
    before: str
    after: str
    is_formula: bool = False


def changes(revision: TargetRevision) -> Iterator[Change]:
    """Yield what the revision changes: as it was in force when it was entered, and as it becomes."""
    if revision.target is not None:
        before, after = format_number(revision.old_target), format_number(revision.target)
        unit = revision.indicator.unit
        yield Change(_("annual target"), f"{before} {unit}", f"{after} {unit}")
    if revision.formula:
        yield Change(_("formula"), revision.old_formula, revision.formula, is_formula=True)
    if revision.variable and revision.constant is not None:
        unknown = revision.old_constant is None
        before = _("Not in the plan") if unknown else format_number(revision.old_constant)  # type: ignore[arg-type]
        yield Change(revision.variable.name, before, format_number(revision.constant))


def standing(revision: TargetRevision) -> str:
    """Show whether the revision is in force, in symbol and word."""
    kind, symbol, words = (
        ("done", "✓", _("Approved and in force"))
        if revision.is_approved
        else ("waiting", "○", _("Awaits approval"))
    )
    return format_html('<span class="pill {}">{} {}</span>', kind, symbol, words)


def revisions_of(indicator: Indicator) -> list[tuple[TargetRevision, list[Change], str]]:
    """Return the indicator's revisions with what they change and where they stand."""
    found = indicator.revisions.select_related("indicator", "variable").order_by("from_quarter", "pk")
    return [(each, list(changes(each)), standing(each)) for each in found]


def may_revise(user: User, indicator: Indicator) -> bool:
    """Say whether user may enter a revision of the indicator, as its plan stands."""
    plan = indicator.goal.plan
    return plan.is_adopted and not plan.is_closed and can(user, ADD, indicator)


@admin.register(TargetRevision)
class TargetRevisionAdmin(ScopedAdmin):
    """Revisions are entered, approved and withdrawn by the verbs; nothing is ever edited."""

    list_display = ["indicator_code", "quarter_shown", "changes_shown", "authority", "day_shown", "standing"]
    list_filter = [YearFilter]
    list_select_related = ["indicator__goal__plan__unit", "variable"]
    search_fields = ["indicator__code", "indicator__title", "number", "authority"]
    ordering = [
        "-indicator__goal__plan__year",
        "indicator__goal__outline_number",
        "indicator__number",
        "from_quarter",
        "pk",
    ]
    sortable_by = []
    plan_lookup = "indicator__goal__plan"
    fieldsets = [
        (None, {"fields": ["indicator", "quarter_shown", "reason"]}),
        (gettext_lazy("Letter of the approving authority"), {"fields": ["authority", "day_shown", "number"]}),
        (gettext_lazy("Entered and approved"), {"fields": ["entered", "approval"]}),
    ]
    readonly_fields = ["quarter_shown", "day_shown", "entered", "approval"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        related = ["indicator__goal__plan__unit", "variable", "proposed_by", "approved_by"]
        return super().get_queryset(request).select_related(*related)

    # -- What is shown

    @admin.display(description=gettext_lazy("indicator"))
    def indicator_code(self, revision: TargetRevision) -> str:
        return str(revision.indicator)

    @admin.display(description=gettext_lazy("from quarter"))
    def quarter_shown(self, revision: TargetRevision) -> str:
        return quarter_words(revision.from_quarter)

    @admin.display(description=gettext_lazy("what is revised"))
    def changes_shown(self, revision: TargetRevision) -> str:
        return _("; ").join(f"{each.what} {each.before} → {each.after}" for each in changes(revision))

    @admin.display(description=gettext_lazy("date of its letter"))
    def day_shown(self, revision: TargetRevision) -> str:
        return roc_date(revision.decided_on)

    @admin.display(description=gettext_lazy("status"))
    def standing(self, revision: TargetRevision) -> str:
        return standing(revision)

    @admin.display(description=gettext_lazy("entered by"))
    def entered(self, revision: TargetRevision) -> str:
        return f"{revision.proposed_by} · {roc_moment(revision.proposed_at)}"

    @admin.display(description=gettext_lazy("approved by"))
    def approval(self, revision: TargetRevision) -> str:
        if revision.approved_at is None:
            return _("Awaits approval")
        return f"{revision.approved_by} · {roc_moment(revision.approved_at)}"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        revision, user = self.get_object(request, unquote(object_id)), signed_in(request)
        undecided = not revision.is_approved
        may_approve = undecided and can(user, APPROVE, revision)
        context = {
            "changes": list(changes(revision)),
            "pill": standing(revision),
            "may_approve": may_approve and revision.proposed_by_id != user.pk,
            "entered_it": may_approve and revision.proposed_by_id == user.pk,
            "may_withdraw": undecided and can(user, ADD, revision),
            "planned_values": _planned_from(revision),
        }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    # -- Entering one

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask which indicator, unless the address says it, and then what is revised."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        asked = request.GET.get("indicator", "")
        if not asked:
            return self._choose(request)
        indicator = self._revisable(request).filter(pk=asked).first() if is_key(asked) else None
        if indicator is None:
            raise Http404
        form = RevisionForm(indicator, request.POST or None)
        if form.is_valid() and (revision := _entered(form, indicator, signed_in(request))):
            messages.success(
                request, _("The revision is entered. It is in force once a reviewer approves it.")
            )
            return HttpResponseRedirect(_address(revision))
        context = {"form": form, "about": indicator, "back": _address(indicator), "words": _ABOUT}
        return self._page(request, "admin/indicators/reportingperiod/step.html", context)

    def _choose(self, request: HttpRequest) -> HttpResponse:
        form = IndicatorChoiceForm(self._revisable(request))
        return self._page(request, "admin/indicators/targetrevision/choose.html", {"form": form})

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        shared = self.admin_site.each_context(request)
        title = {"title": _("Revise the target"), "opts": self.opts}
        return TemplateResponse(request, template, {**shared, **title, **context})

    def _revisable(self, request: HttpRequest) -> QuerySet[Indicator]:
        """The indicators of adopted plans of open years that the person administers."""
        units = signed_in(request).rights.units(ADD)
        mine = Indicator.objects.filter(goal__plan__unit__in=units, goal__plan__closed_at=None)
        return mine.exclude(goal__plan__adopted_on=None).select_related("goal__plan__unit")

    # -- Deciding

    def get_urls(self) -> list[Any]:
        steps: list[tuple[str, Callable[..., HttpResponse]]] = [
            ("approve", self.approve_view),
            ("withdraw", self.withdraw_view),
        ]
        return [
            *(
                path(
                    f"<path:object_id>/{name}/",
                    self.admin_site.admin_view(view),
                    name=f"indicators_targetrevision_{name}",
                )
                for name, view in steps
            ),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def approve_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Put a revision in force."""
        revision: TargetRevision = self.get_object(request, unquote(object_id))
        try:
            workflow.approve_revision(revision=revision, by=signed_in(request), now=timezone.now())
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("The revision is approved and in force."))
        return HttpResponseRedirect(_address(revision))

    @method_decorator(require_POST)
    def withdraw_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Delete a revision that is not approved."""
        revision: TargetRevision = self.get_object(request, unquote(object_id))
        indicator = revision.indicator
        try:
            workflow.withdraw_revision(revision=revision, by=signed_in(request))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return HttpResponseRedirect(_address(revision))
        messages.success(request, _("The revision is withdrawn. It stays in the history of the indicator."))
        return HttpResponseRedirect(_address(indicator))


_ABOUT = gettext_lazy(
    "The plan's own wording stays and is shown beside the revision. It applies from the chosen quarter on, "
    "once another person has approved it; quarters before keep what they were approved under."
)


def _planned_from(revision: TargetRevision) -> list[str]:
    """List the planned values that a revised target may have left behind, by quarter; none in a closed year.

    Progress is judged by them, so an indicator that reaches a lowered target could still count as behind.
    """
    indicator = revision.indicator
    if revision.target is None or indicator.goal.plan.is_closed:
        return []
    found = indicator.planned_values.filter(quarter__gte=revision.from_quarter).order_by("quarter")
    return [
        _("Quarter %(quarter)s: %(value)s") % {"quarter": each.quarter, "value": format_number(each.value)}
        for each in found
    ]


def _address(thing: Indicator | TargetRevision) -> str:
    return reverse(f"admin:indicators_{thing._meta.model_name}_change", args=[thing.pk])


def _entered(form: RevisionForm, indicator: Indicator, by: User) -> TargetRevision | None:
    """Enter the revision; a refusal comes back above the form."""
    try:
        return workflow.propose_revision(indicator=indicator, by=by, now=timezone.now(), **form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error.messages)
        return None
