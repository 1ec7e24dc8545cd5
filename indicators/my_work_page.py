"""«我的填報»: what is due from whoever asks, and how far their units are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.verify import snapshot
from objectives.models import Unit, User
from objectives.scoped import signed_in

from . import workflow
from .access import reading_page
from .models import ReportingPeriod, TargetRevision
from .my_work import (
    APPROVE,
    ENTER,
    Standing,
    Task,
    explain,
    is_open,
    opened_periods,
    progress,
    tasks,
    unit_pages,
)

LATEST_REMINDERS = 20


@dataclass(frozen=True)
class Choice:
    """A link to the same page with one thing chosen differently."""

    name: Any
    query: str
    current: bool


@dataclass(frozen=True)
class Section:
    """One reporting period: what is due in it, and why nothing is, where it is closed."""

    period: ReportingPeriod
    tasks: Sequence[Task]
    worksheets: Sequence[tuple[Unit, str]]
    approvals: Sequence[tuple[Unit, str]]  # where all that a unit reported can be approved at once
    closed: str
    reopened_until: datetime | None  # a closed period that is open again for one of the person's units


@reading_page
def my_work(request: HttpRequest) -> HttpResponse:
    """Show what is due, by quarter and status as the address asks; `?quarter=99-4&status=returned`."""
    user, now = signed_in(request), timezone.now()
    with snapshot():
        periods = opened_periods(user, now)
        everything = tasks(user, now, periods)
        quarter, standing = _quarter(request, periods), _standing(request)
        chosen = [period for period in periods if quarter in ("", _key(period))]
        shown = [
            task
            for task in explain(everything)
            if task.period in chosen and standing in (None, task.standing)
        ]
        progressed = progress(user, chosen)
        context = {
            "everything": everything,
            "overdue": sum(task.is_overdue for task in everything),
            "returned": sum(task.is_returned for task in everything),
            "sections": _sections(user, chosen, shown, now),
            "quarters": _quarters(periods, quarter, standing),
            "standings": _standings(quarter, standing),
            "filtered": bool(quarter or standing),
            "revisions": TargetRevision.objects.to_approve(user)
            .select_related("indicator__goal__plan", "proposed_by")
            .order_by("proposed_at"),
            "progress": progressed,
            "legend": list(Standing),
            "several_agencies": len({period.plan.unit_id for period in periods}) > 1,
            "reminders": user.reminders.order_by("-day", "-pk")[:LATEST_REMINDERS],
        }
        return render(request, "indicators/my_work.html", context)


def _key(period: ReportingPeriod) -> str:
    return f"{period.plan.year}-{period.quarter}"


def _quarter(request: HttpRequest, periods: Sequence[ReportingPeriod]) -> str:
    """Return the quarter that the address asks for; empty for all of them."""
    asked = request.GET.get("quarter", "")
    if asked and asked not in {_key(period) for period in periods}:
        raise Http404(_("There is no quarter of this name that has opened for reporting."))
    return asked


def _standing(request: HttpRequest) -> Standing | None:
    asked = request.GET.get("status", "")
    if not asked:
        return None
    try:
        return Standing(asked)
    except ValueError as error:
        raise Http404(_("The address asks for a status that does not exist.")) from error


def _query(quarter: str, standing: Standing | None) -> str:
    asked = {"quarter": quarter, "status": standing.value if standing else ""}
    return "?" + urlencode({name: value for name, value in asked.items() if value})


def _quarters(periods: Sequence[ReportingPeriod], quarter: str, standing: Standing | None) -> list[Choice]:
    keys = {
        _key(each): _("%(year)s Q%(quarter)s") % {"year": each.plan.year, "quarter": each.quarter}
        for each in periods
    }
    everything = Choice(_("All quarters"), _query("", standing), not quarter)
    return [
        everything,
        *(Choice(name, _query(key, standing), key == quarter) for key, name in keys.items()),
    ]


def _standings(quarter: str, standing: Standing | None) -> list[Choice]:
    everything = Choice(_("All statuses"), _query(quarter, None), standing is None)
    return [
        everything,
        *(
            Choice(f"{each.symbol} {each.label}", _query(quarter, each), each is standing)
            for each in Standing
        ),
    ]


def _sections(
    user: User, periods: Sequence[ReportingPeriod], found: Sequence[Task], now: datetime
) -> list[Section]:
    """Lay the tasks out by period: those that are open first, each of the two the newest first.

    An open period in which nothing is due is told of only where it is the newest.
    """
    units = user.rights.units(ENTER) or user.rights.organisation
    sheets = unit_pages(user, periods, ENTER, "worksheet")
    approvals = unit_pages(user, periods, APPROVE, "approve_unit")
    sections = [
        Section(
            period,
            [task for task in found if task.period == period],
            sheets[period.pk],
            approvals[period.pk],
            "" if all(is_open(period, unit, now) for unit in units) else _why_closed(period, now),
            _reopened_until(period, units) if period.is_over(now) else None,
        )
        for period in periods
    ]
    told = [each for each in sections if each.tasks or each.closed or each is sections[0]]
    return sorted(told, key=lambda section: bool(section.closed and not section.tasks))


def _reopened_until(period: ReportingPeriod, units: Collection[int]) -> datetime | None:
    theirs = (each.until for each in period.reopenings.all() if each.unit_id in units)
    return max(theirs, default=None)


def _why_closed(period: ReportingPeriod, now: datetime) -> str:
    return workflow.closed_because(period.plan, period.quarter, [period.plan.unit_id], now)
