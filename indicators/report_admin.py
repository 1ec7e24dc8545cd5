"""The admin's pages for quarter reports: the list, and the page on which one is filled in and decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.acting import acting
from objectives.models import User
from objectives.permissions import can, require
from objectives.roc import roc_moment
from objectives.scoped import ScopedAdmin, YearFilter, shortened, signed_in

from . import workflow
from .filters import QuarterFilter, ReportGoalFilter, StatusFilter, UnitFilter, quarter_words
from .forms import DecisionForm, ReportForm, shown
from .models import QUARTERS, Indicator, QuarterReport, Status, Variable
from .numbers import format_number, format_towards
from .readings import Basis, Reading, readings
from .value import State, Value, value_at
from .wording import STATES, why_no_value

DECIMALS = 2
STATUS_SYMBOLS: dict[str, str] = {
    Status.DRAFT: "○",
    Status.SUBMITTED: "→",
    Status.ENDORSED: "◐",
    Status.APPROVED: "✓",
    Status.RETURNED: "↩",
}


def status_pill(report: QuarterReport) -> str:
    """Show where a report stands, in symbol and word."""
    return format_html(
        '<span class="pill status-{}">{} {}</span>',
        report.status.lower(),
        STATUS_SYMBOLS[report.status],
        report.get_status_display(),
    )


def target_words(indicator: Indicator, quarter: int | None = None) -> str:
    """Show a target with its direction and unit: 至少 55 次數; the one in force at quarter, where given."""
    target = indicator.target if quarter is None else indicator.in_force(quarter).target
    return _("%(direction)s %(target)s %(unit)s") % {
        "direction": indicator.get_direction_display(),
        "target": format_number(target),
        "unit": indicator.unit,
    }


# -- The list ----------------------------------------------------------------------------------------------


class ReportList(ChangeList):
    """Quarter reports with the value that their figures give so far; two more queries for the whole page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        read = readings({report.indicator for report in self.result_list}, Basis.ENTERED)
        for report in self.result_list:
            report.so_far = entered_value(report, read[report.indicator_id])


def entered_value(report: QuarterReport, reading: Reading) -> Value:
    """Return the value that the entered figures give at the end of the report's quarter."""
    reading = reading.until(report.quarter)
    return value_at(
        report.indicator.in_force(report.quarter).rule,
        report.quarter,
        reading.figures,
        reading.not_applicable,
        bool(report.indicator.not_applicable_reason),
    )


def signed(number: Decimal) -> str:
    """Show a difference with its sign; one that is not nothing never looks like nothing."""
    size = format_towards(abs(number), Decimal(0), DECIMALS)
    return f"{'＋' if number > 0 else '－' if number < 0 else ''}{size}"


def value_words(report: QuarterReport, reading: Reading, unreadable: Iterable[str] = ()) -> dict[str, Any]:
    """Say what value the figures give, against target and planned value, and why there may be none."""
    indicator = report.indicator
    value = entered_value(report, reading)
    target = indicator.in_force(report.quarter).target
    planned = {each.quarter: each.value for each in indicator.planned_values.all()}.get(report.quarter)
    amount = value.amount
    return {
        "quarter": report.quarter,
        "unit": indicator.unit,
        "state": STATES[value.state],
        "state_name": value.state.name.lower(),
        "amount": None if amount is None else format_towards(amount, target, DECIMALS),
        "target": target_words(indicator, report.quarter),
        "to_target": None if amount is None else signed(amount - target),
        "planned": None if planned is None else format_number(planned),
        "to_planned": None if planned is None or amount is None else signed(amount - planned),
        "why": indicator.not_applicable_reason or why_no_value(value, _names(indicator)),
        "falls": list(_falls(report, reading)),
        "unreadable": list(unreadable),
    }


def _names(indicator: Indicator) -> dict[str, str]:
    return {variable.symbol: variable.name for variable in indicator.variables.all()}


def _falls(report: QuarterReport, reading: Reading) -> Iterable[str]:
    """Name the stocks that went down though they normally do not."""
    for variable in report.indicator.variables.all():
        now = reading.figures.get((report.quarter, variable.symbol))
        before = [
            figure
            for (quarter, symbol), figure in sorted(reading.figures.items())
            if symbol == variable.symbol and quarter < report.quarter
        ]
        stock = variable.rollup == Variable.Rollup.LATEST and variable.kind != Variable.Kind.YES_NO
        if stock and not variable.may_fall and before and now is not None and now < before[-1]:
            yield variable.name


@dataclass(frozen=True)
class Event:
    """Something that happened to a report."""

    words: str | Promise
    person: User
    moment: datetime


def trail(report: QuarterReport) -> list[Event]:
    """Return what is known of the report's way so far, the oldest first."""
    events = [
        (gettext_lazy("Last changed"), report.changed_by, report.changed_at),
        (gettext_lazy("Submitted"), report.submitted_by, report.submitted_at),
        (gettext_lazy("Endorsed by the head of unit"), report.endorsed_by, report.endorsed_at),
        (gettext_lazy("Approved"), report.approved_by, report.approved_at),
        (gettext_lazy("Returned for correction"), report.returned_by, report.returned_at),
    ]
    known = [Event(words, person, moment) for words, person, moment in events if person and moment]
    return sorted(known, key=lambda event: event.moment)


@admin.register(QuarterReport)
class QuarterReportAdmin(ScopedAdmin):
    """The list of quarter reports and the page on which one is filled in, submitted, approved or returned."""

    list_display = ["indicator_shown", "quarter_shown", "unit", "target", "value", "standing"]
    list_filter = [YearFilter, QuarterFilter, StatusFilter, UnitFilter, ReportGoalFilter]
    search_fields = ["indicator__code", "indicator__title", "indicator__goal__title"]
    ordering = [
        "-indicator__goal__plan__year",
        "indicator__goal__outline_number",
        "indicator__number",
        "quarter",
    ]
    sortable_by = []
    plan_lookup = "indicator__goal__plan"

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuarterReport]:
        related = ["indicator__goal__plan__unit", "indicator__lead_unit"]
        return (
            super()
            .get_queryset(request)
            .select_related(*related)
            .prefetch_related("indicator__variables", "indicator__revisions", "indicator__contributing_units")
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ReportList

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("indicator"))
    def indicator_shown(self, report: QuarterReport) -> str:
        indicator = report.indicator
        return format_html('<span class="code">{}</span> {}', indicator.code, shortened(indicator.title, 36))

    @admin.display(description=gettext_lazy("quarter"))
    def quarter_shown(self, report: QuarterReport) -> str:
        return quarter_words(report.quarter)

    @admin.display(description=gettext_lazy("lead unit"))
    def unit(self, report: QuarterReport) -> str:
        return report.indicator.lead_unit.name

    @admin.display(description=gettext_lazy("annual target"))
    def target(self, report: QuarterReport) -> str:
        return target_words(report.indicator, report.quarter)

    @admin.display(description=gettext_lazy("value so far"))
    def value(self, report: Any) -> str:
        value: Value = report.so_far
        if value.amount is None:
            nothing_due = value.state is State.EMPTY and not value.missing
            words = _("Not due yet") if nothing_due else STATES[value.state]
            return format_html('<span class="quiet">{}</span>', words)
        target = report.indicator.in_force(report.quarter).target
        number = format_towards(value.amount, target, DECIMALS)
        if value.state is State.COMPLETE:
            return format_html("<b>{}</b>", number)
        return format_html('<b>{}</b> <span class="quiet">{}</span>', number, STATES[value.state])

    @admin.display(description=gettext_lazy("status"))
    def standing(self, report: QuarterReport) -> str:
        return status_pill(report)

    # -- The page of one report

    def get_urls(self) -> list[Any]:
        value = path(
            "<path:object_id>/value/",
            self.admin_site.admin_view(self.value_view),
            name="indicators_quarterreport_value",
        )
        return [value, *super().get_urls()]

    def value_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer what value the figures as typed would give; saves nothing."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        report = self.get_object(request, unquote(object_id))
        require(request.user, "indicators.change_quarterreport", report)
        form = ReportForm(report, _reading(report), request.POST)
        form.is_valid()  # whatever can be read counts
        context = {"value": value_words(report, form.typed_reading(), form.unreadable())}
        return TemplateResponse(request, "admin/indicators/quarterreport/value.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        report = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, report):
            raise PermissionDenied
        if request.method != "POST":
            return self._page(request, report)
        action = request.POST.get("action")
        if action in ("save", "submit"):
            return self._enter(request, report, submit=action == "submit")
        if action in ("approve", "return"):
            return self._decide(request, report, approve=action == "approve")
        raise SuspiciousOperation("unknown action")

    def _enter(self, request: HttpRequest, report: QuarterReport, *, submit: bool) -> HttpResponse:
        """Save what was typed and, where asked to, submit the report in the same transaction."""
        require(request.user, "indicators.change_quarterreport", report)
        form = ReportForm(report, _reading(report), request.POST)
        if not form.is_valid():
            if "version" in form.errors:
                form.conflicts = form.differences()
            return self._page(request, report, form)
        now = timezone.now()
        try:
            with acting():
                saved = workflow.save_draft(
                    report=report,
                    by=signed_in(request),
                    now=now,
                    figures=form.figures(),
                    remark=form.cleaned_data["remark"],
                    not_applicable_reason=form.cleaned_data["not_applicable_reason"],
                    version=form.cleaned_data["version"],
                )
                if submit:
                    workflow.submit(report=saved, by=signed_in(request), now=now, version=saved.version)
        except workflow.Conflict:
            return self._conflict(request, report, submit=submit)
        except ValidationError as error:
            form.add_error(None, error.messages)
            if submit and not form.cleaned_data["not_applicable_reason"]:
                form.mark_missing(workflow.due_variables(report))
            return self._page(request, report, form)
        if submit:
            messages.success(request, _("Submitted. The reviewer will look at it."))
        else:
            messages.success(request, _("The draft is saved."))
        return HttpResponseRedirect(request.path)

    def _conflict(self, request: HttpRequest, report: QuarterReport, *, submit: bool) -> HttpResponse:
        """Come back with what was typed, what is stored by now, and who stored it."""
        report = self.get_object(request, str(report.pk))
        form = ReportForm(report, _reading(report), request.POST)
        form.is_valid()
        form.conflicts = form.differences()
        last = trail(report)[-1:]
        stands = _("This report is now «%(status)s».") % {"status": report.get_status_display()}
        if not form.conflicts and not (submit and report.is_open_for_entry):
            # Somebody pressed a button twice, or two people typed the same.
            messages.info(request, " ".join([_("What you typed is already saved."), stands]))
            return HttpResponseRedirect(request.path)
        happened = [
            _("%(event)s: %(person)s, %(moment)s.")
            % {"event": event.words, "person": event.person, "moment": roc_moment(event.moment)}
            for event in last
        ]
        if report.is_open_for_entry:
            advice = _(
                "This report was changed after you opened it. What you typed is still here and not saved; "
                "where it differs, the saved value stands beside it. Compare them, then save again."
            )
        else:
            advice = _(
                "This report moved on after you opened it, so what you typed was not saved. It is listed "
                "below."
            )
        form.add_error(None, [advice, " ".join([*happened, stands])])
        return self._page(request, report, form, version=report.version)

    def _decide(self, request: HttpRequest, report: QuarterReport, *, approve: bool) -> HttpResponse:
        """Approve the report or return it for correction."""
        form = DecisionForm(request.POST)
        if not form.is_valid():
            return self._page(request, report, decision=form)
        reason = form.cleaned_data["reason"]
        if approve and reason:
            form.add_error(
                "reason",
                _("A reason is given for a return. Clear it to approve, or return the report with it."),
            )
            return self._page(request, report, decision=form)
        step: Mapping[str, Any] = {
            "report": report,
            "by": signed_in(request),
            "now": timezone.now(),
            "version": form.cleaned_data["version"],
        }
        try:
            if approve:
                workflow.approve(**step)
            else:
                workflow.return_for_correction(**step, reason=reason)
        except ValidationError as error:
            conflict = isinstance(error, workflow.Conflict)
            form.add_error(None if approve or conflict or reason else "reason", error.messages)
            return self._page(request, self.get_object(request, str(report.pk)), decision=form)
        if approve:
            messages.success(request, _("Approved. The figures count in the official results from now on."))
        else:
            messages.success(request, _("Returned for correction. The planner will see your reason."))
        return HttpResponseRedirect(request.path)

    def _page(
        self,
        request: HttpRequest,
        report: QuarterReport,
        form: ReportForm | None = None,
        *,
        decision: DecisionForm | None = None,
        version: Any = None,
    ) -> HttpResponse:
        user, indicator = signed_in(request), report.indicator
        reading = _reading(report)
        bound = form is not None and form.is_bound
        form = form or ReportForm(report, reading)
        mine = can(user, "indicators.change_quarterreport", report)
        editable = report.is_open_for_entry and mine
        steps = [step.name.lower() for step in workflow.possible_steps(report, user)]
        if version is None:
            # A form that came back with mistakes is still about the version that was read.
            version = (form.cleaned_data if bound else {}).get("version", report.version)
        if bound and editable:
            value = value_words(report, form.typed_reading(), form.unreadable())
        else:
            value = value_words(report, reading)
        siblings = list(indicator.reports.order_by("quarter"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": report,
            "report": report,
            "indicator": indicator,
            "plan": indicator.goal.plan,
            "pill": status_pill(report),
            "quarter_name": quarter_words(report.quarter),
            "notes": _notes(indicator),
            "form": form,
            "decision": decision or DecisionForm(initial={"version": report.version}),
            "version": version,
            "editable": editable,
            "unsaved": form.typed() if bound and not editable else [],
            "steps": steps,
            "own_work": can(user, "indicators.approve_quarterreport", report)
            and report.status in workflow.origins(workflow.Step.APPROVE, report)
            and "approve" not in steps,
            "constants": [
                (variable, None if variable.constant is None else format_number(variable.constant))
                for variable in indicator.variables.all()
                if variable.is_constant
            ],
            "quarters": [
                (each, quarter_words(each.quarter), status_pill(each), self._url(each)) for each in siblings
            ],
            "history": _history(report, reading),
            "value": value,
            "trail": trail(report),
            **self._neighbours(request, report),
        }
        return TemplateResponse(request, "admin/indicators/quarterreport/change_form.html", context)

    def _url(self, report: QuarterReport) -> str:
        return reverse("admin:indicators_quarterreport_change", args=[report.pk])

    def _neighbours(self, request: HttpRequest, report: QuarterReport) -> dict[str, Any]:
        """Find the reports before and after this one in the same quarter, to go through them one by one."""
        same = QuarterReport.objects.visible_to(signed_in(request)).filter(
            quarter=report.quarter, indicator__goal__plan=report.indicator.goal.plan_id
        )
        ordered = list(
            same.select_related("indicator").order_by("indicator__goal__outline_number", "indicator__number")
        )
        here = ordered.index(report)
        around = {
            "before": ordered[here - 1] if here else None,
            "after": next(iter(ordered[here + 1 :]), None),
        }
        return {
            name: found and (self._url(found), found.indicator.code, shortened(found.indicator.title, 20))
            for name, found in around.items()
        }


def _reading(report: QuarterReport) -> Reading:
    return readings([report.indicator], Basis.ENTERED)[report.indicator_id]


def _notes(indicator: Indicator) -> list[str]:
    """Collect the provenance notes that matter to whoever fills the report in."""
    notes = [indicator.note, *(variable.note for variable in indicator.variables.all())]
    return list(dict.fromkeys(line for note in notes for line in note.splitlines() if line))


def _history(report: QuarterReport, reading: Reading) -> list[tuple[Variable, list[tuple[int, str]]]]:
    """Lay the year's figures out by variable and quarter."""
    return [
        (variable, [(quarter, _cell(variable, quarter, reading)) for quarter in QUARTERS])
        for variable in report.indicator.variables.all()
        if not variable.is_constant
    ]


def _cell(variable: Variable, quarter: int, reading: Reading) -> str:
    if (quarter, variable.symbol) in reading.figures:
        return shown(variable, reading.figures[quarter, variable.symbol])
    return str(STATES[State.NOT_APPLICABLE]) if quarter in reading.not_applicable else ""
