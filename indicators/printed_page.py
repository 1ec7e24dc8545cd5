"""季填報表 for the printer: of one report, and of a unit's quarter."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from ledger.models import Entry
from ledger.verify import snapshot
from objectives.models import Unit, WorkItem
from objectives.scoped import signed_in

from .access import reading_page
from .models import QUARTERS, QuarterReport
from .printed import Form, plan_of, printable, reports_of_unit, written_items


@reading_page
def print_report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one report's form. 404 for a report that the person may not see."""
    with snapshot():
        forms = printable(QuarterReport.objects.visible_to(signed_in(request)).filter(pk=pk))
        if not forms:
            raise Http404
        report = forms[0].report
        return _page(request, report.indicator.lead_unit, report.quarter, forms, [])


@reading_page
def print_unit(request: HttpRequest, year: int, quarter: int, code: str) -> HttpResponse:
    """Show all that a unit reports in a quarter. 404 where there is nothing that the person may see."""
    user = signed_in(request)
    with snapshot():
        if quarter not in QUARTERS or not code.isprintable():  # PostgreSQL cannot even be asked about a NUL
            raise Http404
        unit = get_object_or_404(Unit.objects.visible_to(user), code=code)
        forms = printable(reports_of_unit(user, unit, year, quarter))
        items = written_items(user, unit, year, quarter)
        if not forms and not items:
            raise Http404
        return _page(request, unit, quarter, forms, items)


def _page(
    request: HttpRequest,
    unit: Unit,
    quarter: int,
    forms: Sequence[Form],
    items: Sequence[tuple[WorkItem, str]],
) -> HttpResponse:
    context = {
        "plan": plan_of(forms, items),
        "unit": unit,
        "quarter": quarter,
        "forms": forms,
        "items": items,
        "draft": not all(form.is_approved for form in forms),
        "printed_at": timezone.now(),
        "head": Entry.objects.head(),
    }
    return render(request, "indicators/printed.html", context)
