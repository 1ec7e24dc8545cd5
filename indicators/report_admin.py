"""The admin's pages for quarter reports: the list, and what people send from the page of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.acting import acting
from objectives.fields import is_key
from objectives.models import User
from objectives.permissions import can, require
from objectives.roc import roc_moment
from objectives.scoped import ScopedAdmin, YearFilter, shortened, signed_in

from . import report_page, workflow
from .filters import QuarterFilter, ReportGoalFilter, StatusFilter, UnitFilter, quarter_words
from .models import QuarterReport
from .numbers import format_towards
from .readings import Basis, Reading, readings
from .report_form import DecisionForm, FollowUpForm, ReportForm, enters_for
from .report_page import DECIMALS, entered_value, status_pill, target_words, trail, value_words
from .value import State, Value
from .wording import STATES
from .workflow import Step

# All but approving, which has a page of its own that shows the effect first.
VERBS: dict[Step, Callable[..., QuarterReport]] = {
    Step.WITHDRAW: workflow.withdraw,
    Step.ENDORSE: workflow.endorse,
    Step.RETURN: workflow.return_for_correction,
    Step.REOPEN: workflow.reopen,
}
NEEDS_A_REASON = (Step.RETURN, Step.REOPEN)
DONE: dict[Step, Promise] = {
    Step.WITHDRAW: gettext_lazy("The submission is withdrawn. The report is a draft again."),
    Step.ENDORSE: gettext_lazy("Endorsed. The reviewer will look at it next."),
    Step.RETURN: gettext_lazy("Returned for correction. The planner will see your reason."),
    Step.REOPEN: gettext_lazy(
        "Reopened. The planner will see your reason; until it is approved again the report does not count."
    ),
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
        """Answer what value the figures as typed would give and what is noticed; saves nothing."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        report = self.get_object(request, unquote(object_id))
        form = self._typed(request, report)
        form.is_valid()  # whatever can be read counts
        context = {"value": value_words(report, form.typed_reading(), form.unreadable()), "sums": form.sums}
        return TemplateResponse(request, "admin/indicators/quarterreport/value.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        report = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, report):
            raise PermissionDenied
        if request.method != "POST":
            return self._page(request, report)
        action = request.POST.get("action", "")
        if action in ("save", "submit"):
            return self._enter(request, report, submit=action == "submit")
        if action == "follow_up":
            return self._follow_up(request, report)
        step = next((step for step in VERBS if step.name.lower() == action), None)
        if step is None:
            raise SuspiciousOperation("unknown action")
        return self._take(request, report, step)

    def _typed(self, request: HttpRequest, report: QuarterReport) -> ReportForm:
        """Return the form with what was typed; whoever enters for none of the units typed nothing here."""
        user = signed_in(request)
        if not enters_for(user, report):
            raise PermissionDenied(_("Your roles do not allow this. Please ask an administrator."))
        return ReportForm(report, _reading(report), user, timezone.now(), request.POST)

    def _enter(self, request: HttpRequest, report: QuarterReport, *, submit: bool) -> HttpResponse:
        """Save what was typed and, where asked to, submit the report in the same transaction."""
        form = self._typed(request, report)
        if not form.is_valid():
            if "version" in form.errors:
                form.take_over()
            return self._page(request, report, form)
        by, now = signed_in(request), form.now
        try:
            with acting():
                saved = workflow.save_draft(
                    report=report,
                    by=by,
                    now=now,
                    figures=form.figures(),
                    version=form.cleaned_data["version"],
                    **form.texts(),
                )
                if submit:
                    workflow.submit(report=saved, by=by, now=now, version=saved.version)
        except workflow.Conflict:
            return self._conflict(request, report, submit=submit)
        except ValidationError as error:
            form.add_error(None, error.messages)
            if submit and not isinstance(error, workflow.Closed):
                form.mark_lacking()
            return self._page(request, report, form)
        messages.success(request, _saved_words(saved, submit=submit))
        return HttpResponseRedirect(request.path)

    def _conflict(self, request: HttpRequest, report: QuarterReport, *, submit: bool) -> HttpResponse:
        """Come back with what was typed, what is stored by now, and who stored it."""
        report = self.get_object(request, str(report.pk))
        form = self._typed(request, report)
        form.take_over()
        if not form.differences() and not (submit and report.is_open_for_entry):
            # Somebody pressed a button twice, or two people typed the same.
            messages.info(request, " ".join([_("What you typed is already saved."), _stands(report)]))
            return HttpResponseRedirect(request.path)
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
        form.add_error(None, [advice, _last_event(report)])
        return self._page(request, report, form, version=report.version)

    def _take(self, request: HttpRequest, report: QuarterReport, step: Step) -> HttpResponse:
        """Withdraw, endorse, return or reopen the report."""
        require(request.user, workflow.TRANSITIONS[step].permission, report)
        form = DecisionForm(request.POST)
        if not form.is_valid():
            return self._page(request, report, decision=form)
        by, reason = signed_in(request), form.cleaned_data["reason"]
        if reason and step not in NEEDS_A_REASON:
            form.add_error(
                "reason", _("A reason is given for a return. Clear it, or return the report with it.")
            )
            return self._page(request, report, decision=form)
        given = {"reason": reason} if step in NEEDS_A_REASON else {}
        version = form.cleaned_data["version"]
        try:
            VERBS[step](report=report, by=by, now=timezone.now(), version=version, **given)
        except ValidationError as error:
            report = self.get_object(request, str(report.pk))
            conflict = isinstance(error, workflow.Conflict)
            if conflict and _was_taken(report, step, by, reason):
                messages.info(request, " ".join([_("This is done already."), _stands(report)]))
                return HttpResponseRedirect(request.path)
            lacks_reason = step in NEEDS_A_REASON and not reason and not conflict
            form.add_error("reason" if lacks_reason else None, error.messages)
            if conflict:
                form.add_error(None, _last_event(report))
            return self._page(request, report, decision=form)
        messages.success(request, str(DONE[step]))
        return HttpResponseRedirect(request.path)

    def _follow_up(self, request: HttpRequest, report: QuarterReport) -> HttpResponse:
        """Mark a 因應對策 of this indicator done, with how it ended."""
        pk = request.POST.get("report", "")
        earlier = report.indicator.reports.filter(quarter__lte=report.quarter)
        target = earlier.filter(pk=int(pk)).first() if is_key(pk) else None
        if target is None:
            raise Http404
        form = FollowUpForm(request.POST, auto_id=f"id_follow_up_{target.pk}_%s")
        if not form.is_valid():
            return self._page(request, report, follow_up=(target, form))
        note = form.cleaned_data["note"]
        try:
            workflow.follow_up(report=target, by=signed_in(request), now=timezone.now(), note=note)
        except ValidationError as error:
            target.refresh_from_db()
            if target.followed_up_by == request.user and target.followed_up_note == note:
                messages.info(request, _("This is done already."))
                return HttpResponseRedirect(request.path)
            form.add_error("note", error.messages)
            return self._page(request, report, follow_up=(target, form))
        messages.success(request, _("The response is marked as completed."))
        return HttpResponseRedirect(request.path)

    def _page(
        self,
        request: HttpRequest,
        report: QuarterReport,
        form: ReportForm | None = None,
        *,
        decision: DecisionForm | None = None,
        follow_up: tuple[QuarterReport, FollowUpForm] | None = None,
        version: Any = None,
    ) -> HttpResponse:
        """Show the report, with the forms that came back with mistakes."""
        user, now, indicator = signed_in(request), timezone.now(), report.indicator
        reading = _reading(report)
        bound = form is not None
        form = form or ReportForm(report, reading, user, now)
        closed = "" if form.is_editable and not form.writes_all else form.why_closed()
        steps = [] if closed else workflow.possible_steps(report, user)
        if version is None:
            # A form that came back with mistakes is still about the version that was read.
            version = (form.cleaned_data if bound else {}).get("version", report.version)
        typed = bound and form.is_editable
        value = value_words(
            report, form.typed_reading() if typed else reading, form.unreadable() if typed else ()
        )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": report,
            "report": report,
            "indicator": indicator,
            "plan": indicator.goal.plan,
            "pill": status_pill(report),
            "quarter_name": quarter_words(report.quarter),
            "closed": closed,
            "return_heading": report_page.return_heading(report),
            "notes": report_page.notes(indicator),
            "form": form,
            "decision": decision or DecisionForm(initial={"version": report.version}),
            "version": version,
            "unsaved": _unsaved(report, form if bound else None, decision, steps, follow_up),
            "steps": [step.name.lower() for step in steps],
            "obstacles": list(workflow.obstacles(report)) if Step.SUBMIT in steps else [],
            "own_work": _is_own_work(report, user) and not closed,
            "constants": report_page.constants(indicator),
            "quarters": [
                (each, quarter_words(each.quarter), status_pill(each), report_page.address(each))
                for each in indicator.reports.order_by("quarter")
            ],
            "history": list(report_page.history(report, reading)),
            "value": value,
            "sums": form.sums,
            "trail": trail(report),
            "follow_ups": report_page.follow_ups(
                report, user, now, follow_up and (follow_up[0].pk, follow_up[1])
            ),
            **report_page.neighbours(report, user),
        }
        return TemplateResponse(request, "admin/indicators/quarterreport/change_form.html", context)


def _reading(report: QuarterReport) -> Reading:
    return readings([report.indicator], Basis.ENTERED)[report.indicator_id]


def _saved_words(report: QuarterReport, *, submit: bool) -> str:
    if not submit:
        return _("The draft is saved.")
    if report.indicator.goal.plan.head_step:
        return _("Submitted. The head of the unit will look at it.")
    return _("Submitted. The reviewer will look at it.")


def _stands(report: QuarterReport) -> str:
    return _("This report is now «%(status)s».") % {"status": report.get_status_display()}


def _last_event(report: QuarterReport) -> str:
    """Say what happened to the report last, by whom and when, and where it stands."""
    happened = [
        _("%(event)s: %(person)s, %(moment)s.")
        % {"event": event.words, "person": event.person, "moment": roc_moment(event.moment)}
        for event in trail(report)[-1:]
    ]
    return " ".join([*happened, _stands(report)])


def _was_taken(report: QuarterReport, step: Step, by: User, reason: str) -> bool:
    """Say whether the report's last step is this one, by the same person: a button was pressed twice."""
    last = report.steps.last()
    return last is not None and (last.step, last.by_id, last.comment) == (step.value, by.pk, reason)


def _is_own_work(report: QuarterReport, user: User) -> bool:
    """Say whether the person could endorse or approve the report, had they no hand in it."""
    return any(
        report.status in workflow.origins(step, report)
        and can(user, workflow.TRANSITIONS[step].permission, report)
        and step not in workflow.possible_steps(report, user)
        for step in (Step.ENDORSE, Step.APPROVE)
    )


def _unsaved(
    report: QuarterReport,
    form: ReportForm | None,
    decision: DecisionForm | None,
    steps: list[Step],
    follow_up: tuple[QuarterReport, FollowUpForm] | None,
) -> list[tuple[str, str, str]]:
    """List what was typed and has no input to stand in any more, as (label, typed, stored)."""
    found = form.typed() if form and not form.is_editable else []
    if decision and decision["reason"].value() and not set(NEEDS_A_REASON) & set(steps):
        found.append((str(decision["reason"].label), decision["reason"].value(), ""))
    if follow_up and not follow_up[0].has_open_response:
        field = follow_up[1]["note"]
        found.append((str(field.label), field.value(), follow_up[0].followed_up_note))
    return found
