"""The pages: read only, for people with a role, on the approved figures unless they ask for more."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from indicators.models import Indicator, QuarterReport
from objectives.models import Strategy, User

from .document import document_of, linked, outline, scheme_line
from .exporters import FORMATS, file_name
from .presentation import (
    Row,
    attainment_arithmetic,
    dashboard_of,
    formula_in_names,
    formula_in_symbols,
    quarter_rows,
    value_arithmetic,
    variable_rows,
)
from .results import plan_indicators, plan_results, results_by_quarter
from .selection import Selection, select


def page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What every page has in common: it only reads, needs sign-in, and no cache keeps it."""

    return require_safe(never_cache(login_required(view)))


@page
def dashboard(request: HttpRequest) -> HttpResponse:
    selection = select(request)
    results = plan_results(
        selection.plan, quarter=selection.quarter, now=selection.now, basis=selection.basis
    )
    context = {"selection": selection, "dashboard": dashboard_of(results), "formats": FORMATS}
    return render(request, "reports/dashboard.html", context)


@page
def export(request: HttpRequest, extension: str) -> HttpResponse:
    selection = select(request)
    if extension not in FORMATS:
        raise Http404(_("There is no file format of this name."))
    results = plan_results(
        selection.plan, quarter=selection.quarter, now=selection.now, basis=selection.basis
    )
    file = FORMATS[extension]
    disposition = content_disposition_header(True, file_name(results, extension)) or "attachment"
    return HttpResponse(
        file.write(results),
        content_type=file.content_type,
        headers={"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"},
    )


@page
def indicator(request: HttpRequest, code: str) -> HttpResponse:
    selection = select(request)
    found = _indicator(selection, code)
    results = results_by_quarter(
        selection.plan, found, year_over=selection.plan.year_is_over(selection.now), basis=selection.basis
    )
    chosen = results[selection.quarter - 1]
    user = cast(User, request.user)
    reports = QuarterReport.objects.visible_to(user).filter(indicator=found).select_related("indicator")
    nodes = outline(Strategy.objects.filter(goal__plan=selection.plan).select_related("goal"))
    context = {
        "selection": selection,
        "indicator": found,
        "row": Row(chosen),
        "scheme_line": scheme_line(selection.plan, found.scheme),
        "formula": formula_in_symbols(found.formula),
        "formula_in_names": formula_in_names(found.formula, chosen.names),
        "value_arithmetic": value_arithmetic(chosen),
        "attainment_arithmetic": attainment_arithmetic(chosen),
        "variables": list(variable_rows(results, chosen)),
        "quarters": list(quarter_rows(results, reports, user, selection.quarter)),
        "strategies": linked(found, nodes),
    }
    return render(request, "reports/indicator.html", context)


def _indicator(selection: Selection, code: str) -> Indicator:
    found = None
    if code.isprintable():  # PostgreSQL cannot even be asked about a NUL
        found = plan_indicators(selection.plan).prefetch_related("strategies").filter(code=code).first()
    if found is None:
        raise Http404(
            _("The plan of ROC year %(year)s has no indicator with this code.")
            % {"year": selection.plan.year}
        )
    return found


@page
def plan(request: HttpRequest) -> HttpResponse:
    selection = select(request)
    context = {"selection": selection, "document": document_of(selection.plan)}
    return render(request, "reports/plan.html", context)
