"""The pages of the worksheet: one sheet to read and fill in, and what typed values would come to."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from objectives.models import Plan, Unit, User
from objectives.permissions import require

from .models import QUARTERS
from .sections import Section
from .workflow.judging import CHANGE
from .worksheet import Sheet, plan_of, save_sheet, sheet_for

VIEW = "indicators.view_quarterreport"
OWN = "own"  # the scope without the units below
SUBMIT_ALL = "submit-all"
DRAFT = "worksheet-draft"  # in the session: which of the browser's keepsakes has just been saved


def entry_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What the sheet's pages have in common: they need an account, and no cache keeps them."""

    @wraps(view)
    def guard(request: HttpRequest, year: int, quarter: int, code: str) -> HttpResponse:
        return view(request, *_asked(request, year, quarter, code))

    return never_cache(login_required(guard))


def _asked(request: HttpRequest, year: int, quarter: int, code: str) -> tuple[Plan, int, Unit]:
    """Return the plan, quarter and unit of the address. Raises Http404 for what the person may not see."""
    user = cast(User, request.user)
    mine = user.rights.units(VIEW)
    # PostgreSQL cannot even be asked about a NUL.
    unit = Unit.objects.filter(code=code, pk__in=mine).first() if code.isprintable() else None
    plan = plan_of(unit, year, user) if unit and 1 <= year <= 999 else None
    if unit is None or plan is None or quarter not in QUARTERS:
        raise Http404(_("There is no such worksheet, or it is not yours to see."))
    return plan, quarter, unit


@require_http_methods(["GET", "HEAD", "POST"])
@entry_page
def worksheet(request: HttpRequest, plan: Plan, quarter: int, unit: Unit) -> HttpResponse:
    if request.method != "POST":
        return _page(request, _sheet(request, plan, quarter, unit))
    require(request.user, CHANGE)
    sheet = _sheet(request, plan, quarter, unit)
    sheet.read(request.POST.dict())
    submitted = _to_submit(sheet, request.POST.get("action", "save"))
    if not sheet.can_be_saved:
        return _page(request, sheet, status=403 if sheet.foreign else 200)
    try:
        done = save_sheet(sheet=sheet, by=cast(User, request.user), now=sheet.now, submit=submitted)
    except ValidationError:
        return _page(request, _read_again(request, sheet))
    messages.success(request, _told(done, submitted))
    request.session[DRAFT] = request.POST.get("draft", "")[:64]
    anchor = f"#r{submitted[0].report.pk}" if len(submitted) == 1 else ""
    return HttpResponseRedirect(request.get_full_path() + anchor)


@require_POST
@entry_page
def worksheet_value(request: HttpRequest, plan: Plan, quarter: int, unit: Unit) -> HttpResponse:
    """Answer what the typed figures would come to, piece by piece as the page shows it; saves nothing."""
    require(request.user, CHANGE)
    sheet = _sheet(request, plan, quarter, unit)
    data = request.POST.dict()
    sheet.read(data, live=True)
    typed = [section for section in sheet.sections if any(cell.name in data for cell in section.cells)]
    pieces: dict[str, str] = {}
    for section in typed:
        pieces |= _pieces(section)
    for row in sheet.items:
        if row.cell.name in data:
            pieces[f"m-{row.cell.name}"] = render_to_string(
                "indicators/worksheet/mark.html", {"cell": row.cell}
            )
    return JsonResponse({"pieces": pieces, "open": [each for s in typed for each in _to_open(s)]})


def _pieces(section: Section) -> dict[str, str]:
    """Render what depends on the typed values, by the id of its place in the page."""
    pieces: dict[str, tuple[str, dict[str, Any]]] = {
        f"v{section.report.pk}": ("indicators/worksheet/value.html", {"section": section})
    }
    for row in section.rows:
        pieces[f"total-{row.id}"] = ("indicators/worksheet/total.html", {"row": row})
        if row.cell:
            pieces[f"m-{row.cell.name}"] = ("indicators/worksheet/mark.html", {"cell": row.cell, "row": row})
        else:
            pieces[f"now-{row.id}"] = ("indicators/worksheet/shown.html", {"mark": row.now})
    for cell in section.texts.values():
        pieces[f"m-{cell.name}"] = ("indicators/worksheet/mark.html", {"cell": cell})
    return {place: render_to_string(template, context) for place, (template, context) in pieces.items()}


def _to_open(section: Section) -> list[str]:
    """Name the folded parts that what was typed makes necessary."""
    parts = {"lag": section.is_behind, "note": bool(section.notices)}
    return [f"{part}{section.report.pk}" for part, needed in parts.items() if needed]


def _sheet(request: HttpRequest, plan: Plan, quarter: int, unit: Unit) -> Sheet:
    user = cast(User, request.user)
    own = request.GET.get("scope") == OWN
    units = {unit.pk} if own else Unit.objects.tree().below(unit.pk)
    return sheet_for(plan=plan, unit=unit, units=units, quarter=quarter, user=user, now=timezone.now())


def _read_again(request: HttpRequest, refused: Sheet) -> Sheet:
    """Return the sheet as it is by now, with what was typed and why that was refused."""
    scope = refused.scope
    sheet = _sheet(request, scope.plan, scope.quarter, refused.unit)
    sheet.read(request.POST.dict())
    why = {section.report.pk: section.problems for section in refused.sections}
    for section in sheet.sections:
        section.problems = why.get(section.report.pk, [])
    for cell in refused.wrong_cells:
        if cell.name in sheet.cells and not sheet.cells[cell.name].in_conflict:
            sheet.cells[cell.name].errors = cell.errors
    return sheet


def _to_submit(sheet: Sheet, action: str) -> list[Section]:
    """Return what is to be submitted; what is on its way already needs no second submission."""
    if action == "save":
        return []
    if action == SUBMIT_ALL:
        return sheet.submittable
    chosen = [section for section in sheet.sections if action == f"submit-{section.report.pk}"]
    if not chosen:
        raise SuspiciousOperation("unknown action")
    return [section for section in chosen if section.can_be_submitted]


def _told(done: int, submitted: list[Section]) -> str:
    """Say what was saved and submitted."""
    said = [_("Nothing was changed: what you typed is already saved.")]
    if done:
        said = [ngettext("%(number)s cell saved.", "%(number)s cells saved.", done) % {"number": done}]
    if submitted:
        codes = _(", ").join(section.indicator.code for section in submitted)
        said = [*(said if done else []), _("Submitted: %(codes)s.") % {"codes": codes}]
    return " ".join(said)


def _page(request: HttpRequest, sheet: Sheet, status: int = 200) -> HttpResponse:
    saved = request.session.pop(DRAFT, "") if request.method == "GET" else ""
    context = {
        "sheet": sheet,
        "plan": sheet.scope.plan,
        "closed": sorted(set(filter(None, sheet.scope.closed.values()))),
        "quarter": sheet.scope.quarter,
        "quarters": QUARTERS,
        "own": request.GET.get("scope") == OWN,
        "units": _units(request, sheet),
        "has_units_below": Unit.objects.filter(parent=sheet.unit).exists(),
        "saved": saved if re.fullmatch(r"[0-9a-z-]+", saved) else "",
        "is_bound": request.method == "POST",
        "days_over": -sheet.days_left if sheet.days_left is not None else None,
        "submit_all": SUBMIT_ALL,
    }
    return render(request, "indicators/worksheet.html", context, status=status)


def _units(request: HttpRequest, sheet: Sheet) -> list[tuple[Unit, bool]]:
    """Return the units of the plan's agency whose sheets the person may open, and which one this is."""
    mine: Any = cast(User, request.user).rights.units(VIEW)
    below = Unit.objects.tree().below(sheet.scope.plan.unit_id)
    units = sorted((sheet.scope.names[pk] for pk in mine & below), key=lambda unit: unit.code)
    return [(unit, unit == sheet.unit) for unit in units]
