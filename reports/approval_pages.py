"""Where a reviewer approves: each report, or a unit's whole quarter, with the effect shown first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
from indicators.worksheet import plan_of
from ledger.acting import acting
from objectives.models import Plan, Unit, User
from objectives.permissions import require

from .approval import APPROVE, candidates, digest, effects_of, obstacle
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
        effects = effects_of([report], at) if report.status in PENDING else []
        context = {
            "report": report,
            "indicator": report.indicator,
            "form": form,
            "version": report.version,
            "obstacle": _obstacle(report, user, at.now),
            "figures": _figures(report),
            "notices": workflow.notices(report),
            "evidence": report.evidence.kept(),
            "effects": effects,
            "effect_shown": digest(effects),
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
    is_own = workflow.had_a_hand_in(report, user)
    return obstacle(report, user, is_own=is_own) or workflow.closed_because(plan, report.quarter, [unit], now)


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
            _approve(request, user, report, version)
            messages.success(request, _("Approved. The figures count in the official results from now on."))
    except ValidationError as error:
        form.add_error(None, error.messages)
        return False
    return True


def _approve(request: HttpRequest, user: User, report: QuarterReport, version: int) -> None:
    """Approve a report, but only with the effect that the page showed."""
    with acting(actor=user, about=report):
        effect = _effect_now([_report(user, report.pk)])
        workflow.approve(report=report, by=user, now=timezone.now(), version=version)
        _refuse_another_effect(request, effect)


def _effect_now(reports: Sequence[QuarterReport]) -> str:
    """Return the digest of the effect that approving reports would have; to be asked for under the lock."""
    with data_at(None) as at:
        return digest(effects_of(reports, at))


def _refuse_another_effect(request: HttpRequest, effect: str) -> None:
    """Undo an approval whose effect is not the one that was shown.

    It is asked after the verb, whose own refusals say more.
    """
    if request.POST.get("effect") != effect:
        raise workflow.Refusal(
            _("The data have changed since this page was shown. Look at the effect again, then approve.")
        )


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
    mine = user.rights.units(APPROVE)
    # PostgreSQL cannot even be asked about a NUL.
    unit = Unit.objects.filter(code=code, pk__in=mine).first() if code.isprintable() else None
    plan = plan_of(unit, year, user) if unit and 1 <= year <= 999 else None
    if unit is None or plan is None or quarter not in QUARTERS:
        raise Http404
    units = Unit.objects.tree().below(unit.pk)
    problems: list[str] = []
    if request.method == "POST":
        try:
            done = _approve_all(request, user, plan, quarter, units)
        except ValidationError as error:
            problems = error.messages
        else:
            messages.success(request, _("%(number)s quarter reports are approved.") % {"number": done})
            return HttpResponseRedirect(request.path)
    with data_at(None) as at:
        found = candidates(plan, quarter, units, user, at.now)
        ready = [each.report for each in found if each.is_ready]
        effects = effects_of(ready, at) if ready else []
        context = {
            "plan": plan,
            "quarter": quarter,
            "unit": unit,
            "problems": problems,
            "done": [each for each in found if each.is_done],
            "ready": ready,
            "blocking": [each for each in found if each.obstacle],
            "effects": effects,
            "effect_shown": digest(effects),
        }
        return render(request, "reports/approve_unit.html", context)


def _approve_all(request: HttpRequest, user: User, plan: Plan, quarter: int, units: Iterable[int]) -> int:
    """Approve what the reviewer saw, if that is still all there is, and return how many reports.

    Raises ValidationError with a sentence for each thing that stands in the way.
    """
    now = timezone.now()
    with acting(actor=user, about=plan):
        found = candidates(plan, quarter, units, user, now)
        if blocking := [each for each in found if each.obstacle]:
            raise workflow.Refusal([f"{each.report.indicator.code} {each.obstacle}" for each in blocking])
        ready = {f"{each.report.pk}:{each.report.version}": each.report for each in found if each.is_ready}
        if not ready or set(request.POST.getlist("report")) != ready.keys():
            raise workflow.Refusal(_("The reports changed after you opened this page. Look at them again."))
        effect = _effect_now(list(ready.values()))
        versions = [(report, report.version) for report in ready.values()]
        done = workflow.approve_all(reports=versions, by=user, now=now)
        _refuse_another_effect(request, effect)
        return len(done)
