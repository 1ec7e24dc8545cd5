"""The admin's pages for reporting periods: their days, and how quarters and years close and open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from objectives.models import Plan, User
from objectives.permissions import require
from objectives.roc import roc_date, roc_moment
from objectives.scoped import ScopedAdmin, YearFilter, signed_in

from . import workflow
from .filters import quarter_words
from .models import QuarterReport, Reopening, ReportingPeriod, Status
from .period_forms import DAYS, ClosingYearForm, PeriodForm, ReasonForm, ReopeningForm

CHANGE = "indicators.change_reportingperiod"


def day_shown(name: str) -> Callable[[ReportingPeriod], str]:
    """Return a display of one of the days by the ROC calendar."""

    field: Any = ReportingPeriod._meta.get_field(name)

    @admin.display(description=field.verbose_name, ordering=name)
    def display(period: ReportingPeriod) -> str:
        day = getattr(period, name)
        return roc_date(day) if day else _("none set")

    return display


DAYS_SHOWN = [day_shown(name) for name in DAYS]


def standing(period: ReportingPeriod, now: datetime) -> str:
    """Show whether a quarter can be reported at present, in symbol and word."""
    if period.plan.is_closed:
        return _pill("closed", "■", _("Year closed"))
    if period.is_over(now):
        if any(each.until > now and not each.ended_at for each in period.reopenings.all()):
            return _pill("reopened", "◐", _("Closed, reopened for some units"))
        return _pill("closed", "■", _("Closed"))
    if not period.has_opened(now):
        return _pill("waiting", "○", _("Not open yet"))
    return _pill("open", "✓", _("Open for reporting"))


def _pill(kind: str, symbol: str, words: str) -> str:
    return format_html('<span class="pill period-{}">{} {}</span>', kind, symbol, words)


@dataclass(frozen=True)
class Undecided:
    """The reports of a quarter that stand in one status before approval."""

    status: str | Promise
    reports: list[QuarterReport]


def undecided(reports: QuerySet[QuarterReport], user: User) -> list[Undecided]:
    """Return the reports among these that are not approved, by status: closing leaves them as they are."""
    found = reports.visible_to(user).exclude(status=Status.APPROVED)  # type: ignore[attr-defined]
    ordered = list(
        found.select_related("indicator").order_by(
            "indicator__goal__outline_number", "indicator__number", "quarter"
        )
    )
    return [
        Undecided(status.label, those)
        for status in Status
        if (those := [report for report in ordered if report.status == status])
    ]


@dataclass(frozen=True)
class Granted:
    """A reopening as it was granted: for a unit and those below it."""

    units: str
    first: Reopening
    in_force: bool


def granted(period: ReportingPeriod, now: datetime) -> Iterator[Granted]:
    """Yield the period's reopenings, the latest first; the rows of one act together."""
    rows = period.reopenings.select_related("unit", "by").order_by("-at", "until", "pk")
    for _act, group in groupby(rows, key=lambda row: (row.at, row.until, row.by_id, row.reason)):
        those = list(group)
        here = {row.unit_id for row in those}
        top = [row.unit.name for row in those if row.unit.parent_id not in here]
        in_force = any(row.until > now and row.ended_at is None for row in those)
        yield Granted(_(", ").join(top), those[0], in_force)


@admin.register(ReportingPeriod)
class ReportingPeriodAdmin(ScopedAdmin):
    """Quarters with their days; each step is a page of its own that asks for a reason."""

    form = PeriodForm
    list_display = ["quarter_shown", "plan", *DAYS_SHOWN, "standing"]
    list_filter = [YearFilter]
    ordering = ["-plan__year", "plan__unit__code", "quarter"]
    sortable_by = []
    plan_lookup = "plan"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        related = ["plan__unit", "plan__closed_by", "closed_by"]
        return super().get_queryset(request).select_related(*related).prefetch_related("reopenings")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj and obj.plan.is_closed) and super().has_change_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        editable = self.has_change_permission(request, obj)
        return ["quarter_shown", "plan", *(DAYS if editable else DAYS_SHOWN)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        shown = [] if self.has_change_permission(request, obj) else DAYS_SHOWN
        return ["quarter_shown", "plan", *shown]

    @admin.display(description=gettext_lazy("quarter"))
    def quarter_shown(self, period: ReportingPeriod) -> str:
        return quarter_words(period.quarter)

    @admin.display(description=gettext_lazy("status"))
    def standing(self, period: ReportingPeriod) -> str:
        return standing(period, timezone.now())

    def lock_reason(self, obj: ReportingPeriod) -> str:
        return obj.plan.why_closed

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        period, now = self.get_object(request, unquote(object_id)), timezone.now()
        context = {
            "pill": standing(period, now),
            "closing": _closing(period),
            "granted": list(granted(period, now)),
            "may_change": self.has_change_permission(request, period),
            "is_over": period.is_over(now),
        }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    # -- Steps

    def get_urls(self) -> list[Any]:
        steps: list[tuple[str, Callable[..., HttpResponse], str]] = [
            ("year/<int:plan_id>/close/", self.close_year_view, "close_year"),
            ("<path:object_id>/close/", self.close_view, "close"),
            ("<path:object_id>/open/", self.open_view, "open"),
            ("<path:object_id>/reopen/", self.reopen_view, "reopen"),
        ]
        return [
            *(
                path(route, self.admin_site.admin_view(view), name=f"indicators_reportingperiod_{name}")
                for route, view, name in steps
            ),
            *super().get_urls(),
        ]

    def close_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Close a quarter, after showing what is not approved in it yet."""
        period = self._period(request, object_id)
        form = ReasonForm(_posted(request))
        if form.is_valid() and _done(
            form,
            lambda: workflow.close_period(
                period=period, by=signed_in(request), now=timezone.now(), reason=form.cleaned_data["reason"]
            ),
        ):
            messages.success(request, _("The quarter is closed. Its figures and texts stand fast."))
            return HttpResponseRedirect(_url(period))
        reports = QuarterReport.objects.filter(indicator__goal__plan=period.plan_id, quarter=period.quarter)
        words = _(
            "From now on this quarter's figures, texts, evidence and planned values, every step of its "
            "reports, and revisions that would change its result are refused, on pages and in imports alike. "
            "How a response ended can still be recorded. Reopenings that are in force end."
        )
        return self._step(
            request, period, form, _("Close the quarter"), words,
            undecided=undecided(reports, signed_in(request)), shows_undecided=True,
        )  # fmt: skip

    def open_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take the closing of a quarter back."""
        period = self._period(request, object_id)
        form = ReasonForm(_posted(request))
        if form.is_valid() and _done(
            form,
            lambda: workflow.open_period(
                period=period, by=signed_in(request), now=timezone.now(), reason=form.cleaned_data["reason"]
            ),
        ):
            messages.success(request, _("The quarter is open again."))
            return HttpResponseRedirect(_url(period))
        words = _(
            "The quarter opens for every unit. To open it for one of them only, reopen it for that unit."
        )
        return self._step(request, period, form, _("Open the quarter again"), words)

    def reopen_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open a closed quarter for one unit until a moment."""
        period = self._period(request, object_id)
        form = ReopeningForm(period, _posted(request))
        if form.is_valid() and _done(
            form,
            lambda: workflow.reopen_period(
                period=period,
                unit=form.cleaned_data["unit"],
                until=form.until(),
                reason=form.cleaned_data["reason"],
                by=signed_in(request),
                now=timezone.now(),
            ),
        ):
            until = roc_moment(form.until())
            messages.success(
                request,
                _("Open for %(unit)s until %(moment)s, and closed again by itself afterwards.")
                % {"unit": form.cleaned_data["unit"], "moment": until},
            )
            return HttpResponseRedirect(_url(period))
        words = _(
            "The unit and those below it can enter and correct until the moment given here; then the quarter "
            "closes again by itself. Approved reports stay as they are until a reviewer reopens them."
        )
        return self._step(request, period, form, _("Reopen for a unit"), words)

    def close_year_view(self, request: HttpRequest, plan_id: int) -> HttpResponse:
        """Close a year: its figures are frozen for good."""
        plan = Plan.objects.visible_to(signed_in(request)).filter(pk=plan_id).select_related("unit").first()
        if plan is None:
            raise Http404
        require(request.user, "objectives.close_plan", plan)
        form = ClosingYearForm(_posted(request))
        if form.is_valid() and _done(
            form, lambda: workflow.close_year(plan=plan, by=signed_in(request), now=timezone.now())
        ):
            messages.success(request, _("The year is closed. Its figures are frozen."))
            return HttpResponseRedirect(reverse("admin:objectives_plan_change", args=[plan.pk]))
        reports = QuarterReport.objects.filter(indicator__goal__plan=plan)
        words = _(
            "All four quarters close, and nothing reopens them. Targets, formulas, variables, constants, "
            "planned values, weights, the thresholds of the lights, contributing units and what is not "
            "applicable stand fast too, and how a response ended can no longer be recorded; lead units and "
            "notes can still be changed. The evaluation of the year goes on. This cannot be taken back."
        )
        return self._step(
            request, plan, form, _("Close the year"), words,
            undecided=undecided(reports, signed_in(request)), shows_undecided=True,
        )  # fmt: skip

    def _period(self, request: HttpRequest, object_id: str) -> ReportingPeriod:
        period: ReportingPeriod = self.get_object(request, unquote(object_id))
        require(request.user, CHANGE, period)
        return period

    def _step(
        self,
        request: HttpRequest,
        about: ReportingPeriod | Plan,
        form: forms.Form,
        title: str,
        words: str,
        **context: Any,
    ) -> HttpResponse:
        """Show the page of a step, about a period or a whole year."""
        context |= {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": about._meta,
            "about": about,
            "back": reverse(
                f"admin:{about._meta.app_label}_{about._meta.model_name}_change", args=[about.pk]
            ),
            "words": words,
            "form": form,
        }
        return TemplateResponse(request, "admin/indicators/reportingperiod/step.html", context)


def _url(period: ReportingPeriod) -> str:
    return reverse("admin:indicators_reportingperiod_change", args=[period.pk])


def _posted(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _done(form: forms.Form, verb: Callable[[], object]) -> bool:
    """Take the step; a refusal comes back above the form."""
    try:
        verb()
    except ValidationError as error:
        form.add_error(None, error.messages)
    return not form.errors


def _closing(period: ReportingPeriod) -> str:
    if period.closed_at is None:
        return ""
    return _("Closed by %(person)s on %(moment)s: %(reason)s") % {
        "person": period.closed_by,
        "moment": roc_moment(period.closed_at),
        "reason": period.close_reason or _("no reason given"),
    }
