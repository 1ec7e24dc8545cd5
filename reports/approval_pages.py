"""Where a reviewer approves: each report, or a unit's whole quarter, with the effect shown first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from indicators import workflow
from indicators.forms import shown
from indicators.models import QUARTERS, QuarterReport, Status
from indicators.readings import Basis, readings
from indicators.report_form import DecisionForm
from objectives.models import Unit, User
from objectives.permissions import require

from .approval import APPROVE, Candidate, candidates, effects_of, obstacle, plan_of_unit
from .moments import data_at
from .selection import reader

PENDING = (Status.SUBMITTED, Status.ENDORSED)


def deciding(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What these pages have in common: they need a role, change nothing by GET, and no cache keeps them."""

    @wraps(view)
    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, reader(request), *args, **kwargs)

    return require_http_methods(["GET", "HEAD", "POST"])(never_cache(login_required(guard)))


@deciding
def approve(request: HttpRequest, user: User, pk: int) -> HttpResponse:
    """Show what approving a report would bring; approve it, or return it for correction."""
    report = _report(user, pk)
    require(user, APPROVE, report)
    if request.method == "POST":
        form = DecisionForm(request.POST)
        if form.is_valid() and _decide(request, user, report, form):
            return HttpResponseRedirect(request.path)
        report = _report(user, pk)
    else:
        form = DecisionForm(initial={"version": report.version})
    with data_at(None) as at:
        context = {
            "report": report,
            "indicator": report.indicator,
            "form": form,
            "version": report.version,
            "obstacle": _obstacle(report, user, at.now),
            "figures": _figures(report),
            "notices": workflow.notices(report),
            "evidence": report.evidence.kept(),
            "effects": effects_of([report], at) if report.status in PENDING else [],
        }
        return render(request, "reports/approve.html", context)


def _report(user: User, pk: int) -> QuarterReport:
    related = ("indicator__goal__plan__unit", "indicator__lead_unit", "submitted_by", "endorsed_by")
    found = QuarterReport.objects.visible_to(user).filter(pk=pk).select_related(*related).first()
    if found is None:
        raise Http404
    return found


def _obstacle(report: QuarterReport, user: User, now: datetime) -> str:
    plan, unit = report.indicator.goal.plan, report.indicator.lead_unit_id
    if report.status == Status.APPROVED:
        return ""
    return obstacle(report, user) or workflow.closed_because(plan, report.quarter, [unit], now)


def _decide(request: HttpRequest, user: User, report: QuarterReport, form: DecisionForm) -> bool:
    """Take the step that was asked for, and say whether it was taken."""
    reason, version = form.cleaned_data["reason"], form.cleaned_data["version"]
    now = timezone.now()
    try:
        if request.POST.get("action") == "return":
            workflow.return_for_correction(report=report, by=user, now=now, reason=reason, version=version)
            messages.success(request, _("Returned for correction. The planner will see your reason."))
        elif reason:
            form.add_error(
                "reason",
                _("A reason is given for a return. Clear it to approve, or return the report with it."),
            )
            return False
        else:
            workflow.approve(report=report, by=user, now=now, version=version)
            messages.success(request, _("Approved. The figures count in the official results from now on."))
    except ValidationError as error:
        form.add_error(None, error.messages)
        return False
    return True


def _figures(report: QuarterReport) -> list[tuple[Any, str, list[tuple[str, str]]]]:
    """List the report's variables with their figures, and the shares of units."""
    reading = readings([report.indicator], Basis.ENTERED)[report.indicator_id]
    units = {unit.pk: unit.name for unit in Unit.objects.filter(pk__in=_sharing(reading.shares.values()))}
    rows = []
    for variable in report.indicator.variables.all():
        key = report.quarter, variable.symbol
        if key in reading.figures or report.quarter in variable.due:
            shares = reading.shares.get(key, {})
            rows.append(
                (
                    variable,
                    shown(variable, reading.figures.get(key)),
                    [(units[unit], shown(variable, value)) for unit, value in shares.items()],
                )
            )
    return rows


def _sharing(shares: Any) -> set[int]:
    return {unit for each in shares for unit in each}


@deciding
def approve_unit(request: HttpRequest, user: User, year: int, quarter: int, code: str) -> HttpResponse:
    """Approve a unit's whole quarter, all or nothing; what blocks it is listed."""
    unit = Unit.objects.filter(code=code, pk__in=user.rights.units(APPROVE)).first()
    plan = plan_of_unit(user, year, unit) if unit else None
    if unit is None or plan is None or quarter not in QUARTERS:
        raise Http404
    units = Unit.objects.tree().below(unit.pk)
    problems: list[str] = []
    if request.method == "POST":
        problems = _approve_all(request, user, candidates(plan, quarter, units, user, timezone.now()))
        if not problems:
            return HttpResponseRedirect(request.path)
    with data_at(None) as at:
        found = candidates(plan, quarter, units, user, at.now)
        ready = [each.report for each in found if each.is_ready]
        context = {
            "plan": plan,
            "quarter": quarter,
            "unit": unit,
            "problems": problems,
            "done": [each for each in found if each.is_done],
            "ready": ready,
            "blocking": [each for each in found if each.obstacle],
            "effects": effects_of(ready, at) if ready else [],
        }
        return render(request, "reports/approve_unit.html", context)


def _approve_all(request: HttpRequest, user: User, found: list[Candidate]) -> list[str]:
    """Approve what the reviewer saw, if that is still all there is; return what stands in the way."""
    if blocking := [each for each in found if each.obstacle]:
        return [f"{each.report.indicator.code} {each.obstacle}" for each in blocking]
    seen = set(request.POST.getlist("report"))
    ready = {f"{each.report.pk}:{each.report.version}": each.report for each in found if each.is_ready}
    if not ready or seen != ready.keys():
        return [_("The reports changed after you opened this page. Look at them again.")]
    try:
        versions = [(report, report.version) for report in ready.values()]
        done = workflow.approve_all(reports=versions, by=user, now=timezone.now())
    except ValidationError as error:
        return error.messages
    messages.success(request, _("%(number)s quarter reports are approved.") % {"number": len(done)})
    return []
