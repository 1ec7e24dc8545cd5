"""The pages: read only, for people with a role, on the approved figures unless they ask for more."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from indicators.models import Indicator, QuarterReport
from indicators.wording import formula_in_names, formula_in_symbols
from objectives.models import Strategy, User

from .approval import Effect
from .attention import wanting
from .document import document_of, linked, outline, scheme_line
from .facets import Facet, facets
from .presentation import (
    Row,
    YearBefore,
    attainment_arithmetic,
    dashboard_of,
    quarter_rows,
    value_arithmetic,
    value_trend_of,
    variable_rows,
)
from .reporting import reporting
from .results import (
    PlanResults,
    contributors,
    plan_indicators,
    plan_results,
    results_by_quarter,
    results_of_plans,
)
from .revisions import revisions_shown
from .search import MOST_CHARACTERS, words_of
from .search import search as find
from .selection import Selection, asked_data, reader, select
from .what_if import WhatIfForm
from .years import years


def guarded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What everything here has in common: it only reads, needs a role, and no cache keeps it."""

    @wraps(view)
    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        reader(request)
        return view(request, *args, **kwargs)

    return require_safe(never_cache(login_required(guard)))


def page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page shows one state of the data, rendering included: that of the moment asked for, else of now."""

    @wraps(view)
    def show(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with asked_data(request) as at:
            return view(request, select(request, at), *args, **kwargs)

    return guarded(show)


@page
def dashboard(request: HttpRequest, selection: Selection) -> HttpResponse:
    before = selection.year_before
    plans = [selection.plan, *([before] if before else [])]
    results, *others = results_of_plans(
        plans, quarter=selection.quarter, at=selection.at, basis=selection.basis
    )
    reports = QuarterReport.objects.visible_to(cast(User, request.user))
    followed = reporting(selection.plan, until=selection.quarter, reports=reports, now=selection.at.now)
    context = {
        "selection": selection,
        "dashboard": dashboard_of(results, wanting(results, followed), selection.narrowing),
        "facets": _facets(results, selection),
        "year_before": [YearBefore(dashboard_of(each), selection.query_of(each.plan)) for each in others],
        "units": followed.units,
    }
    return render(request, "reports/dashboard.html", context)


def _facets(results: PlanResults, selection: Selection) -> list[Facet]:
    try:
        return facets(results, selection.narrowing)
    except ValidationError as error:
        raise Http404(" ".join(error.messages)) from error


@page
def indicator(request: HttpRequest, selection: Selection, code: str) -> HttpResponse:
    found = _indicator(selection, code)
    results = results_by_quarter(
        selection.plan, found, year_over=selection.plan.year_is_over(selection.at.now), basis=selection.basis
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
        "formula": formula_in_symbols(chosen.definition.formula),
        "formula_in_names": formula_in_names(chosen.definition.formula, chosen.names),
        "original_formula": formula_in_symbols(found.formula) if chosen.definition.revised_formula else "",
        "revisions": list(revisions_shown(found)),
        "value_arithmetic": value_arithmetic(chosen),
        "attainment_arithmetic": attainment_arithmetic(chosen),
        "variables": list(variable_rows(results, chosen, contributors(results))),
        "quarters": list(quarter_rows(results, reports, user, selection.quarter)),
        "trend": value_trend_of(results, selection.quarter),
        "strategies": linked(found, nodes),
        "years": years(found, selection, user),
    }
    return render(request, "reports/indicator.html", context)


@page
def what_if(request: HttpRequest, selection: Selection, code: str) -> HttpResponse:
    """What an indicator, its goal and the plan would come to with the numbers in the address."""
    found = _indicator(selection, code)
    before = plan_results(selection.plan, quarter=selection.quarter, at=selection.at, basis=selection.basis)
    [result] = [each for each in before.results if each.indicator == found]
    form = WhatIfForm(request.GET, result=result)
    supposed = form.supposed
    context = {"selection": selection, "indicator": found, "form": form, "row": Row(result)}
    if supposed is not None:
        after = before.supposing(found, supposed)
        [then] = [each for each in after.results if each.indicator == found]
        context |= {
            "effect": Effect(before, after, frozenset({found.pk})),
            "value_arithmetic": value_arithmetic(then),
            "attainment_arithmetic": attainment_arithmetic(then),
            "why": then.why,
        }
    return render(request, "reports/what_if.html", context)


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
def search(request: HttpRequest, selection: Selection) -> HttpResponse:
    """What of the plan has the words that the address asks for."""
    asked, problem, found = request.GET.get("q", ""), "", []
    try:
        found = find(selection.plan, words_of(asked), selection.query)
    except ValidationError as error:
        problem = " ".join(error.messages)
    context = {
        "selection": selection,
        "asked": asked[: 2 * MOST_CHARACTERS],
        "problem": problem,
        "found": found,
        "number": sum(len(each.hits) for each in found),
    }
    return render(request, "reports/search.html", context)


@page
def plan(request: HttpRequest, selection: Selection) -> HttpResponse:
    context = {"selection": selection, "document": document_of(selection.plan)}
    return render(request, "reports/plan.html", context)
